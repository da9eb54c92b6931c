"""Scenarios 34 to 36 and 80: streams, to a real server (tests/peers/rtmp)."""

import asyncio
import os
import sys
import time

from interop_lib import HERE, PATIENCE, SCENARIOS, check, scenario, skip
from rig import Rig, probe

sys.path.insert(0, os.path.join(HERE, "..", "peers", "rtmp"))
from rtmp_site import Site, missing                             # noqa: E402

YOUTUBE = "rtmp://a\\.rtmp\\.youtube\\.com/live2/"
KEY = "Str3am-Key-Mark3r"


def serve(rig):
    """The server, and the node's settings for it: what is meant for YouTube goes there."""
    reason = missing()
    if reason:
        for each in [s for s in SCENARIOS if s.function.__module__ == __name__]:
            SCENARIOS.remove(each)
            skip(each.number, each.name, reason)
        return None, {}
    site = Site(rig.path("rtmp")).start()
    Rig.started.append(site.process)
    return site, {"stream": {
        "allowed": [YOUTUBE + "[^/]+", "rtmps?://(127\\.0\\.0\\.1|localhost):.*"],
        "rewrite": [{"match": YOUTUBE + "(.*)", "to": f"rtmp://127.0.0.1:{site.port}/open/\\1"}],
        "bitrate": 800, "ca_file": site.authority}}


async def arrived(w, name, count=1):
    """The recordings of the server, when the newest of `count` has some pictures."""
    end = time.monotonic() + 20 * PATIENCE
    while len(w.site.recordings(name)) < count:
        check(time.monotonic() < end, f"nothing arrives as {name[:3]}...")
        await asyncio.sleep(0.1)
    return w.site.recordings(name)


async def check_film(path):
    """Of one that has just begun, too: both tracks come, sooner or later."""
    end = time.monotonic() + 10 * PATIENCE
    while (kinds := sorted(s["codec_name"] for s in probe(path)["streams"])) != ["aac", "h264"]:
        check(time.monotonic() < end, f"the server got {kinds}")
        await asyncio.sleep(0.2)


def check_secret(w, *words):
    for word in words:
        check(word not in w.log(), "the key is in the log")
        check(not any(word in str(event) for event in w.focus.events
                      if event[1] in ("presence", "answer", "status")), "the key came back")


async def stream(w, streamid, name):
    """A stream from start to stop: what the server got."""
    room = w.new_room()
    session_id, nick = await w.on(room, mode="stream", streamid=streamid)
    film = (await arrived(w, name))[-1]
    await asyncio.sleep(2)
    check(w.recorder(nick).busy == "busy", "not busy while it streams")
    await w.stop(room)
    await w.idle()
    await check_film(film)
    check(not w.rig.movies(session_id), "the stream was recorded")
    check_secret(w, name)


@scenario(34, "stream start with key")
async def stream_key(w):
    await stream(w, f"{KEY}-34", f"{KEY}-34")
    return "a rule sends YouTube's to a server of the site"


@scenario(35, "stream start with rtmps URL")
async def stream_url(w):
    await stream(w, f"rtmps://localhost:{w.site.tls_port}/open/{KEY}-35", f"{KEY}-35")


@scenario(36, "stream refused by allow list")
async def stream_forbidden(w):
    room, start, mark = w.new_room(), len(w.log()), len(w.focus.events)
    session_id = await w.start(room, mode="stream", streamid=f"rtmp://other.example/x/{KEY}-36")
    off = await w.ended(room, 10)
    check(off["failure_reason"] == "error", f"published {off}")
    attempts = [d for _, k, _, d in w.focus.events[mark:] if k == "answer"]
    check(len(attempts) == 1, f"{len(attempts)} attempts")
    statuses = [d for _, k, _, d in w.focus.events[mark:] if k == "status"]
    check([d.get("should_retry") for d in statuses] == ["false"], f"status IQs {statuses}")
    check("starting in slot" not in w.log()[start:], "something was started")
    check(not os.path.exists(w.rig.session_folder(session_id)), "there is a folder")
    check_secret(w, f"{KEY}-36")
    await w.idle()


@scenario(80, "RTMP server refuses, connection lost", timeout=150)
async def stream_trouble(w):
    # Refused: no other node is asked.
    room, mark = w.new_room(), len(w.focus.events)
    await w.start(room, mode="stream", streamid=(
        f"rtmp://127.0.0.1:{w.site.port}/live/{KEY}-80a?password={KEY}-80w"))
    off = await w.ended(room, 30)
    check(off["failure_reason"] == "error", f"published {off}")
    statuses = [d for _, k, _, d in w.focus.events[mark:] if k == "status"]
    check([d.get("should_retry") for d in statuses] == ["false"], f"status IQs {statuses}")
    await w.idle()

    # Lost: it is connected again, and nobody is told.
    room, mark = w.new_room(), len(w.focus.events)
    await w.on(room, mode="stream", streamid=f"{KEY}-80b")
    await arrived(w, f"{KEY}-80b")
    w.site.kill()
    await asyncio.sleep(3)
    Rig.started.append(w.site.start().process)
    await check_film((await arrived(w, f"{KEY}-80b", 2))[-1])
    check(w.focus.state(room) == "on", f"the session is {w.focus.state(room)}")
    statuses = [d.get("status") for _, k, _, d in w.focus.events[mark:] if k == "status"]
    check(statuses == ["on"], f"status IQs {statuses}")
    await w.stop(room)
    await w.idle()

    # Never there: another node may fare better.
    room, mark = w.new_room(), len(w.focus.events)
    w.focus.settings.retries = 0
    try:
        await w.start(room, mode="stream", streamid=f"rtmp://127.0.0.1:1/x/{KEY}-80c")
        off = await w.ended(room, 60)
    finally:
        w.focus.settings.retries = 5
    check(off["failure_reason"] == "error", f"published {off}")
    statuses = [d for _, k, _, d in w.focus.events[mark:] if k == "status"]
    check([d.get("should_retry") for d in statuses] == ["true"], f"status IQs {statuses}")
    await w.idle()
    check_secret(w, f"{KEY}-80")
    return "refused, lost for a while, never there"
