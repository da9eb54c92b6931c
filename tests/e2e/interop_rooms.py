"""Scenarios 57 to 66: rooms' names and meetings' addresses."""

import asyncio
import json
import os
import re

from interop_lib import check, scenario


async def url_of(w, room, focus=None):
    """Records a second of it: (meeting_url of the metadata, movie)."""
    focus = focus or w.focus
    answer = await focus.client_start(room)
    check(answer.ok, f"refused: {answer}")
    await focus.wait(lambda: focus.state(room) != "pending", 25, f"on in {room[:60]}")
    check(focus.state(room) == "on", f"{focus.room(room).published[-1:]} instead of on")
    await asyncio.sleep(0.5)
    await focus.client_stop(room)
    movie = await w.rig.wait_finished(answer.session_id)
    check(os.path.dirname(os.path.realpath(movie)).startswith(os.path.realpath(w.rig.recordings)),
          f"{movie} is outside of the recordings")
    with open(os.path.join(os.path.dirname(movie), "metadata.json")) as file:
        url = json.load(file)["meeting_url"]
    await w.idle()
    await w.idle(focus=focus)
    return url, movie


async def expect_path(w, room, path, focus=None):
    url, movie = await url_of(w, room, focus)
    lowered = re.sub("%..", lambda m: m.group().lower(), url)
    check(lowered == w.rig.base_url + path, f"the address is {url} instead of …{path}")
    return movie


@scenario(57, "long room name")
async def long_name(w):
    name = "long-" + "n" * 1018
    movie = await expect_path(w, w.room(name), "/" + name)
    check(len(os.path.basename(movie).encode()) <= 255, "the file's name is too long")
    check(os.path.basename(movie).startswith("long-nnn"), f"{movie}")


@scenario(58, "unicode room, percent-encoded")
async def percent_encoded(w):
    name = "%d8%b3%d9%84%d8%a7%d9%85"
    await expect_path(w, w.room(name), "/" + name)


@scenario(59, "raw non-ASCII localpart")
async def raw_unicode(w):
    await expect_path(w, w.room("büro-é"), "/b%c3%bcro-%c3%a9")


@scenario(60, "percent sign and specials", timeout=120, allowed=(6,))
async def specials(w):
    for name in ("100%25", "a;b$(id)`id`", "a+b", "-rf"):
        await expect_path(w, w.room(name), "/" + name.replace("`", "%60"))
    for name in ("..", "."):
        answer = await w.focus.client_start(w.room(name))
        if answer.ok:
            await asyncio.sleep(1)
            await w.focus.client_stop(w.room(name))
        await w.idle()
    outside = set(os.listdir(os.path.dirname(w.rig.recordings))) - w.notes.setdefault("beside", set(
        os.listdir(os.path.dirname(w.rig.recordings))))
    check(not outside, f"outside of the recordings: {outside}")


@scenario(61, "tenant")
async def tenant(w):
    await expect_path(w, f"room@conference.acme.{w.rig.prosody.names.domain}", "/acme/room")


@scenario(62, "tenant with unicode or underscore")
async def strange_tenant(w):
    domain = w.rig.prosody.names.domain
    await expect_path(w, f"room@conference.a_b.{domain}", "/a_b/room")
    await expect_path(w, f"room@conference.%c3%bc-x.{domain}", "/%c3%bc-x/room")


@scenario(63, "foreign domain")
async def foreign_domain(w):
    mark = len(w.log())
    child = w.start_child("x@conference.elsewhere.org")
    await w.expect_refusal(w.nicks()[0], child, "error", "true")
    words = w.log()[mark:]
    check("elsewhere.org" in words and w.rig.prosody.names.domain in words,
          "the log does not name both values")


@scenario(64, "strip string empty")
async def empty_strip(w):
    await expect_path(w, w.room("x"), "/conference/x", w.other_focus)
    return "the tenant is \"conference\", as upstream"


@scenario(65, "base URL with trailing slash")
async def trailing_slash(w):
    await expect_path(w, w.room("slash"), "/conference/slash", w.other_focus)


@scenario(66, "breakout room")
async def breakout(w):
    await expect_path(w, f"0b5d-11@breakout.{w.rig.prosody.names.domain}", "/breakout/0b5d-11")
    return "as upstream: a tenant"
