"""Scenarios 33 to 56: starts, and what a node must refuse."""

import asyncio
import json
import os

from interop_lib import (CLIENT, JIBRI, MUC, PATIENCE, Client, Node, check, scenario)


@scenario(33, "plain file start")
async def plain_start(w):
    room = w.new_room()
    mark = len(w.focus.events)
    session_id, nick = await w.on(room, app_data=json.dumps(
        {"file_recording_metadata": {"share": True}}))
    events = [(k, d) for _, k, o, d in w.focus.events[mark:] if o.endswith("/" + nick)]
    order = [k if k != "presence" else d["busy"] for k, d in events]
    check(order.index("busy") < order.index("answer"), f"busy comes after the answer: {order}")
    await asyncio.sleep(1)
    await w.stop(room)
    movie = await w.rig.wait_finished(session_id)
    with open(os.path.join(os.path.dirname(movie), "metadata.json")) as file:
        metadata = json.load(file)
    check(metadata.get("share") is True, f"metadata.json has no share: {metadata}")
    await w.idle()


@scenario(37, "stream without streamid")
async def stream_without_key(w):
    await w.expect_refusal(w.nicks()[0], w.start_child(recording_mode="stream"), "error", "false")


@scenario(38, "busy")
async def busy(w):
    room = w.new_room()
    session_id, nick = await w.on(room)
    kind, jibri = await w.raw(nick, w.start_child(w.new_room()))
    check(kind == "result", f"answered by an error {jibri}")
    w.check_off(jibri, "busy", "true")
    await asyncio.sleep(1)
    check(w.focus.state(room) == "on", "the running session suffered")
    await w.stop(room)
    await w.rig.wait_finished(session_id)
    await w.idle()


@scenario(39, "duplicate start, same id, same room")
async def duplicate(w):
    room = w.new_room()
    session_id = await w.start(room)
    nick = w.focus.room(room).session.node.split("/")[1]
    for _ in range(2):
        kind, jibri = await w.raw(nick, w.start_child(room, session_id))
        check(kind == "result" and jibri, f"answered by {kind} {jibri}")
        check(jibri.get("status") == "pending" or jibri.get("failure_reason") == "busy",
              f"answered by {jibri}")
        await w.focus.wait(lambda: w.focus.state(room) == "on", 25, "on")
    await asyncio.sleep(1)
    check(w.focus.state(room) == "on", "the session did not go on")
    await w.stop(room)
    await w.rig.wait_finished(session_id)
    check(len(w.rig.movies(session_id)) == 1, "there is a second recording")
    await w.idle()


@scenario(40, "same id after failure", timeout=90)
async def same_id_again(w):
    room, other = w.new_room("never-joins"), w.new_room()
    w.focus.settings.retries = 0
    try:
        session_id = await w.start(room)
        off = await w.ended(room, 30)
        check(off["failure_reason"] == "error", f"published {off}")
    finally:
        w.focus.settings.retries = 5
    await w.idle()
    before = set(os.listdir(w.rig.recordings))
    _, nick = await w.on(other, session_id=session_id)
    await asyncio.sleep(1)
    await w.stop(other)
    await w.idle()
    folders = [n for n in os.listdir(w.rig.recordings) if n.startswith(session_id)]
    check(folders, "no folder")
    check(before <= set(os.listdir(w.rig.recordings)), "an old folder has gone")
    return "in " + ", ".join(sorted(f[len(session_id):] or "its own folder" for f in folders))


@scenario(41, "two starts in the same millisecond from two environments")
async def two_at_once(w):
    a, b = w.nicks()[0], w.nicks()[0]
    first, second = await asyncio.gather(
        w.focus.raw(a, w.start_child(w.new_room())),
        w.other_focus.raw(b, w.start_child(w.new_room())))
    words = [answer.find("jibri", JIBRI) for answer in (first, second)]
    check(all(words), "no <jibri> in an answer")
    statuses = sorted(j.get("status") for j in words)
    check(statuses == ["off", "pending"], f"answers {statuses}")
    refused = next(j for j in words if j.get("status") == "off")
    w.check_off(refused, "busy", "true")
    # Nobody knows the session that was accepted, so its `on` makes it an orphan: it ends.
    await w.raw(a, w.stop_child())
    await w.idle()


@scenario(42, "unknown attributes and children")
async def unknown_things(w):
    check(w.focus.settings.extras, "the double sends no extras")
    room = w.new_room()

    def tweak(jibri):
        jibri.attrs["foo"] = "1"
        jibri.children += [Node("x", "urn:x"), Node("room", JIBRI, children=["text"])]
    await w.record(room, tweak=tweak)
    await w.idle()


@scenario(43, "attribute case")
async def attribute_case(w):
    def tweak(jibri):
        jibri.attrs["action"], jibri.attrs["recording_mode"] = "START", "File"
    await w.record(w.new_room(), tweak=tweak)
    await w.idle()


@scenario(44, "empty attributes")
async def empty_attributes(w):
    def tweak(jibri):
        jibri.attrs.update(sipaddress="", streamid="", displayname="", app_data="")
    await w.record(w.new_room(), tweak=tweak)
    await w.idle()


@scenario(45, "no action")
async def no_action(w):
    for action in (None, "", "dance"):
        child = w.start_child()
        child.attrs["action"] = action
        answer = await w.raw(w.nicks()[0], child)
        check(answer == ("error", "bad-request"), f"action {action!r}: {answer}")


@scenario(46, "malformed IQ")
async def malformed(w):
    nick = w.nicks()[0]
    for children in ([w.start_child(), w.start_child()], None):
        answer = await w.raw(nick, children)
        check(answer == ("error", "bad-request"), f"{answer}")
    answer = await w.raw(nick, w.stop_child("nobody"))
    check(answer[0] == "result", "the connection did not survive")
    return "Prosody itself answers these"


@scenario(47, "no room / bad room")
async def bad_room(w):
    for room in (None, "", "conference.meet.test", "@conference.meet.test", "a b@",
                 "x" * 3000 + "@y"):
        child = w.start_child()
        child.attrs["room"] = room
        await w.expect_refusal(w.nicks()[0], child, "error", errors=("bad-request",))


@scenario(48, "bad app_data", timeout=90)
async def bad_app_data(w):
    marker = "marker-of-app-data-4711"
    deep = '{"file_recording_metadata":' + "[" * 1000 + "]" * 1000 + "}"
    long = json.dumps({"file_recording_metadata": {"x": marker * 4500}})
    # It comes in two pieces: libstrophe reads 4 KiB at a time.
    pieces = json.dumps({"file_recording_metadata": {"x": marker * 240}})
    for text in (f"no JSON {marker}", f"[\"{marker}\"]", deep, pieces, long):
        nick = w.nicks()[0]
        mark = len(w.focus.events)
        kind, jibri = await w.raw(nick, w.start_child(w.new_room(), app_data=text))
        check(kind == "result", f"answered by an error {jibri}")
        if jibri.get("status") == "pending":
            await w.raw(nick, w.stop_child())
        else:
            w.check_off(jibri, "error", None)
        await w.idle()
        del mark
    check(marker not in w.log(), "its content is in the log")


@scenario(49, "unsupported mode")
async def unsupported_mode(w):
    for mode in (None, "cinema"):
        child = w.start_child()
        child.attrs["recording_mode"] = mode
        await w.expect_refusal(w.nicks()[0], child, "error", "false")


@scenario(50, "SIP to a node without SIP")
async def sip(w):
    kind, jibri = await w.raw(w.nicks()[0], w.start_child(
        sipaddress="room42@sip.example.net", displayname="Board room"))
    check(kind == "result" and jibri, f"{kind} {jibri}")
    w.check_off(jibri, "error", "true")
    check(jibri.get("sipaddress") == "room42@sip.example.net", f"sipaddress {jibri.attrs}")
    await w.idle()


@scenario(51, "foreign sender")
async def foreign_sender(w):
    full = w.recorder(w.nicks()[0]).jid
    check("/" in full, "the node's real JID is not visible")
    names = w.rig.prosody.names
    other = await Client(names.auth, "other", w.rig.prosody.passwords["other"],
                         port=w.rig.prosody.port).connect()
    try:
        id = "+/=" + "Aa9+/=" * 50
        answer = await other.iq(full, w.start_child(), timeout=5 * PATIENCE, id=id)
        check(answer.error_condition() == "forbidden", f"answered by {answer}")
        check(answer.get("id") == id and answer.get("from") == full, "id or from changed")
    finally:
        await other.close()


@scenario(52, "non-focus occupant")
async def non_focus(w):
    names = w.rig.prosody.names
    other = await Client(names.auth, "other", w.rig.prosody.passwords["other"],
                         port=w.rig.prosody.port).connect()
    try:
        other.send(Node("presence", CLIENT, {"to": f"{names.brewery}/stranger"}, [Node("x", MUC)]))
        await asyncio.sleep(0.5)
        for child in (w.start_child(), w.stop_child()):
            answer = await other.iq(f"{names.brewery}/{w.nicks()[0]}", child, timeout=5 * PATIENCE)
            check(answer.error_condition() == "forbidden", f"answered by {answer}")
    finally:
        await other.close()
    return "with focus_jid set"


@scenario(53, "IQ get")
async def iq_get(w):
    answer = await w.raw(w.nicks()[0], w.start_child(), type="get")
    check(answer in (("error", "bad-request"), ("error", "feature-not-implemented")), f"{answer}")
    answer = await w.raw(w.nicks()[0], Node("query", "urn:unknown"), type="get")
    check(answer[0] == "error", f"an unknown namespace is answered by {answer}")
    answer = await w.focus.raw(w.nicks()[0], Node("ping", "urn:xmpp:ping"), type="get")
    check(answer.get("type") == "result", f"a ping is answered by {answer}")


@scenario(54, "id echo")
async def id_echo(w):
    for id in ("a+/=" * 75, "<&>'\"ä\u20ac", " x "):
        answer = await w.raw(w.nicks()[0], w.stop_child("nobody"), id=id)
        check(answer[0] == "result" and answer[1].get("status") == "off", f"id {id!r}: {answer}")


@scenario(55, "supports_bad_request absent")
async def no_bad_request(w):
    check(not w.focus.settings.supports_bad_request, "the double says that it supports it")
    strange = [v for v in w.focus.violations if v.text == "child bad-request"]
    check(not strange, f"{strange}")
    return "over the whole run"


@scenario(56, "recording-params child")
async def recording_params(w):
    def tweak(jibri):
        jibri.children.append(Node("recording-params", JIBRI, {
            "tile-resolution": "9999x9999", "tile-count": "2",
            "max-full-resolution-participants": "3", "x": "y"}))
    await w.record(w.new_room(), tweak=tweak)
    await w.idle()
    return "ignored"


@scenario("33b", "warm slots: both record at once")
async def both_at_once(w):
    rooms = [w.new_room(), w.new_room()]
    began = await asyncio.gather(*(w.on(room) for room in rooms))
    check(len({nick for _, nick in began}) == 2, "one slot records both")
    answer = await w.focus.client_start(w.new_room())
    check(answer.condition == "resource-constraint", f"a third start: {answer}")
    await asyncio.sleep(1)
    for room in rooms:
        await w.stop(room)
    for session_id, _ in began:
        await w.rig.wait_finished(session_id)
    await w.idle()
