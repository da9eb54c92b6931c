"""Scenarios 67 to 92: running, stopping, failing."""

import asyncio
import os
import signal
import time
import urllib.request

from interop_lib import PATIENCE, Node, check, scenario
from rig import decode_faults, descendants, seconds_of

SCRIPT_S = 30         # the finalize script's time limit: a slot that waits for it takes so long


async def stop_and_idle(w, room, nick):
    """Stops; the seconds from the stop to idle in the presence."""
    mark = len(w.focus.events)
    began = time.monotonic()
    await w.stop(room)
    await w.focus.wait_recorder(nick, lambda r: r.busy == "idle", 10, "idle")
    took = next(t for t, k, o, d in w.focus.events[mark:] if k == "presence" and
                o.endswith("/" + nick) and d["busy"] == "idle") - began
    answer = await w.focus.wait(lambda: next((d for _, k, _, d in w.focus.events[mark:]
                                              if k == "stopped"), None), 5, "the answer")
    return took, answer


def has_on(w, mark):
    return any(k == "status" and d.get("status") == "on" for _, k, _, d in w.focus.events[mark:])


@scenario(67, "stop", timeout=90)
async def stop(w):
    notes = []
    for variant in ("immediate", "wait", "strict"):
        w.focus.settings.stop = variant
        try:
            room = w.new_room()
            session_id, nick = await w.on(room, session_id=f"stop-{variant}-slowscript")
            await asyncio.sleep(1)
            took, answer = await stop_and_idle(w, room, nick)
        finally:
            w.focus.settings.stop = "immediate"
        check(took < SCRIPT_S, f"idle after {took:.1f} s")
        check(not w.focus.room(room).published[-1]["failure_reason"], "published as a failure")
        movie = await w.rig.wait_finished(session_id)
        check(not decode_faults(movie), f"{movie}: {decode_faults(movie)}")
        notes.append(f"{variant}: idle after {took:.1f} s")
        await w.idle()
    return ", ".join(notes) + "; the finalize script takes minutes"


@scenario(68, "stop, unknown session, idle")
async def stop_unknown(w):
    mark = len(w.focus.events)
    kind, jibri = await w.raw(w.nicks()[0], w.stop_child("nobody-knows-it"))
    check(kind == "result" and jibri and jibri.get("status") == "off", f"{kind} {jibri}")
    await asyncio.sleep(1)
    more = [k for _, k, _, _ in w.focus.events[mark:]]
    check(not more, f"something else came: {more}")


@scenario(69, "stop with another id while recording")
async def stop_other(w):
    room = w.new_room()
    session_id, nick = await w.on(room)
    kind, jibri = await w.raw(nick, w.stop_child("another"))
    check(kind == "result" and jibri.get("status") == "off", f"{kind} {jibri}")
    await asyncio.sleep(1.5)
    check(w.focus.state(room) == "on" and w.recorder(nick).busy == "busy", "it was stopped")
    await w.stop(room)
    await w.rig.wait_finished(session_id)
    await w.idle()


@scenario(70, "stop without id while recording", allowed=(3,))
async def stop_without_id(w):
    room = w.new_room()
    session_id, nick = await w.on(room)
    await asyncio.sleep(0.5)
    kind, jibri = await w.raw(nick, w.stop_child())
    check(kind == "result" and jibri.get("status") == "off", f"{kind} {jibri}")
    await w.focus.wait_recorder(nick, lambda r: r.busy == "idle", 5, "idle")
    await w.focus.conference_ends(room)
    await w.rig.wait_finished(session_id)
    await w.idle()


@scenario(71, "stop while pending")
async def stop_pending(w):
    for wait in (0, 0.3, 1):
        room = w.new_room("never-joins")
        session_id = await w.start(room)
        nick = w.focus.room(room).session.node.split("/")[1]
        await asyncio.sleep(wait)
        mark = len(w.focus.events)
        took, answer = await stop_and_idle(w, room, nick)
        check(answer.get("status") == "off", f"{answer}")
        await asyncio.sleep(0.5)
        check(not has_on(w, mark), "an on afterwards")
        check(not os.path.isdir(w.rig.session_folder(session_id)) or
              not w.rig.movies(session_id), "there is a movie")
        await w.idle()


@scenario(72, "double stop")
async def double_stop(w):
    room = w.new_room()
    session_id, nick = await w.on(room)
    await asyncio.sleep(0.5)
    answers = asyncio.gather(*(w.raw(nick, w.stop_child(session_id)) for _ in range(2)))
    await w.stop(room)
    for kind, jibri in await answers:
        check(kind == "result" and jibri.get("status") == "off", f"{kind} {jibri}")
    await w.rig.wait_finished(session_id)
    await w.idle()


@scenario(73, "stop crossing own end", timeout=90)
async def crossing(w):
    """Everybody leaves; the stops come around the moment in which the empty limit is over."""
    room = w.new_room("leave.0")
    mark = len(w.focus.events)
    session_id, nick = await w.on(room)
    await w.status_after(mark, nick, "off", 30)
    kind, jibri = await w.raw(nick, w.stop_child(session_id))
    check(kind == "result" and jibri.get("status") == "off", f"{kind} {jibri}")
    await w.idle()
    check(len(w.rig.movies(session_id)) <= 1, "more than one movie")


@scenario(74, "status result never comes")
async def result_never(w):
    room, other = w.new_room(), w.new_room()
    w.focus.unheard.add(room)
    mark = len(w.focus.events)
    await w.on(room)
    await w.record(other)
    await asyncio.sleep(3)
    ons = [d for _, k, _, d in w.focus.events[mark:] if k == "status" and d.get("status") == "on"]
    check(len(ons) == 2, f"{len(ons)} times on for two sessions")
    await w.stop(room)
    await w.idle()


@scenario("74b", "status result comes late")
async def result_late(w):
    w.focus.settings.result_delay = 4
    try:
        await w.record(w.new_room(), seconds=2)
        await w.idle()
    finally:
        w.focus.settings.result_delay = 0
    return "4 s here; Jicofo may take 30"


@scenario(75, "status answered with error", allowed=(3, 15))
async def orphan(w):
    room, mark = w.new_room(), len(w.focus.events)
    session_id = await w.start(room)
    nick = w.focus.room(room).session.node.split("/")[1]
    # The conference is over, and the stop was lost.
    w.focus._disarm(w.focus.room(room).session)
    w.focus.room(room).session = None
    await w.focus.wait(lambda: any(
        k == "status" and d.get("session_id") in (session_id, None) and d.get("status") == "on"
        for _, k, _, d in w.focus.events[mark:]), 25, "on")
    await w.focus.wait_recorder(nick, lambda r: r.busy == "idle", 8, "idle")
    w.focus._started.pop(w.recorder(nick).occupant, None)
    await w.idle()


@scenario(76, "stop before the start is answered")
async def stop_at_once(w):
    nick = w.nicks()[0]
    start = w.start_child(w.new_room())
    answers = await asyncio.gather(
        w.raw(nick, start), w.raw(nick, w.stop_child(start.get("session_id"))))
    check(answers[0][0] == "result" and answers[0][1], f"{answers[0]}")
    check(answers[1][0] == "result" and answers[1][1].get("status") == "off", f"{answers[1]}")
    mark = len(w.focus.events)
    await w.idle()
    await asyncio.sleep(2)
    check(not has_on(w, mark), "an on afterwards")


async def fails(w, word, timeout=60, reason="error", retry=None):
    """A room in which it goes wrong: what is published, and what was said of it."""
    room = w.new_room(word)
    w.focus.settings.retries = 0
    mark = len(w.focus.events)
    try:
        session_id = await w.start(room)
        off = await w.ended(room, timeout)
    finally:
        w.focus.settings.retries = 5
    check(off["failure_reason"] == reason, f"{word}: published {off['failure_reason']}")
    said = [d for _, k, _, d in w.focus.events[mark:] if k == "status" and d.get("status") == "off"]
    check(said, f"{word}: no status IQ")
    check(retry is None or said[-1].get("should_retry") == retry, f"{word}: {said[-1]}")
    await w.idle()
    return session_id


@scenario(78, "page never joins", timeout=150)
async def never_joins(w):
    notes = []
    for word in ("never-joins", "password", "lobby", "room-password"):
        mark, began = len(w.log()), time.monotonic()
        session_id = await fails(w, word, 90, retry="true")
        notes.append(f"{word} {time.monotonic() - began:.0f} s")
        check(session_id in w.log()[mark:] or "join" in w.log()[mark:].lower(),
              f"{word}: no reason in the log")
    return ", ".join(notes)


def encoders(w):
    return [pid for pid, words in descendants(w.rig.telerecd.pid)
            if words and "telerec-encoder" in words.split()[0]]


@scenario(79, "encoder dies mid-recording")
async def encoder_dies(w):
    room = w.new_room()
    session_id, nick = await w.on(room)
    await asyncio.sleep(2)
    check(encoders(w), "there is no encoder to kill")
    for pid in encoders(w):
        os.kill(pid, signal.SIGKILL)
    await asyncio.sleep(3)
    went_on = w.focus.state(room) == "on"
    if went_on:
        await w.stop(room)
    movie = await w.rig.wait_finished(session_id)
    check(not decode_faults(movie), f"{decode_faults(movie)}")
    check(seconds_of(movie) > (3 if went_on else 1), f"only {seconds_of(movie)} s")
    await w.idle(60)
    return "the recording goes on with a new one" if went_on else "off/error"


@scenario(82, "everyone leaves")
async def everyone_leaves(w):
    room = w.new_room("leave")
    session_id, _ = await w.on(room)
    off = await w.ended(room, 30)
    check(not off["failure_reason"], f"published {off}")
    movie = await w.rig.wait_finished(session_id)
    check(not decode_faults(movie), f"{decode_faults(movie)}")
    await w.idle()


@scenario("82b", "all muted")
async def all_muted(w):
    room = w.new_room("all-mute")
    session_id, _ = await w.on(room)
    off = await w.ended(room, 40)
    check(not off["failure_reason"], f"published {off}")
    await w.rig.wait_finished(session_id)
    await w.idle()


@scenario("82c", "no media, ICE fails", timeout=90)
async def media_fails(w):
    for word in ("no-media", "ice-fails"):
        session_id = await fails(w, word, 40, retry="true")
        await w.rig.wait_finished(session_id)


@scenario(83, "recorder kicked from the meeting")
async def kicked(w):
    room = w.new_room("kicked")
    session_id, nick = await w.on(room)
    off = await w.ended(room, 20)
    check(not off["failure_reason"], f"published {off}")
    await w.rig.wait_finished(session_id)
    await w.idle()


@scenario(84, "usage limit")
async def usage_limit(w):
    focus = w.short_focus
    room = w.new_room()
    answer = await focus.client_start(room)
    check(answer.ok, f"{answer}")
    await focus.wait_published(room, "on", 25)
    began = time.monotonic()
    off = await focus.wait_published(room, "off", 30)
    took = time.monotonic() - began
    check(not off["failure_reason"], f"published {off}")
    await w.rig.wait_finished(answer.session_id)
    check(not focus.violations, f"{focus.violations}")
    await w.idle()
    return f"6 s here, ended after {took:.1f} s"


@scenario(85, "pending timeout", timeout=90)
async def pending_timeout(w):
    w.focus.settings.pending_timeout = 3
    try:
        for old in (False, True):
            w.focus.settings.old_pending = old
            w.focus.settings.retries = 1
            room = w.new_room("never-joins")
            mark = len(w.focus.events)
            await w.start(room)
            await w.ended(room, 30)
            await w.focus.wait(lambda: any(k == "stopped" for _, k, _, _ in w.focus.events[mark:]),
                               5, "the answer to the stop")
            stops = [d for _, k, _, d in w.focus.events[mark:] if k == "stopped"]
            check(stops and all(d.get("status") == "off" for d in stops), f"{stops}")
            await asyncio.sleep(1)
            check(not has_on(w, mark), "an on afterwards")
            await w.idle()
    finally:
        w.focus.settings.pending_timeout, w.focus.settings.old_pending = 90, False
        w.focus.settings.retries = 5
    return "old and new flow"


@scenario(86, "brewery kick while recording", allowed=(1, 3, 13), timeout=90)
async def kick_while_recording(w):
    room = w.new_room()
    session_id, nick = await w.on(room)
    w.focus.settings.retries = 0
    try:
        await kick(w.focus, nick)
        await w.ended(room, 10)
    finally:
        w.focus.settings.retries = 5
    await w.focus.wait_recorder(nick, lambda r: True, 40, "the rejoin")
    goes_on = w.recorder(nick).busy == "busy"
    if goes_on:
        await asyncio.sleep(1)
        await w.raw(nick, w.stop_child(session_id))
    movie = await w.rig.wait_finished(session_id)
    check(not decode_faults(movie), f"{decode_faults(movie)}")
    await w.idle()
    return "the recording went on, busy" if goes_on else "the recording was ended"


async def kick(focus, nick):
    query = Node("query", "http://jabber.org/protocol/muc#admin", children=[
        Node("item", None, {"nick": nick, "role": "none"},
             [Node("reason", None, children=["a test"])])])
    answer = await focus.client.iq(focus.settings.brewery, query)
    check(answer.get("type") == "result", f"the kick was refused: {answer}")


@scenario(87, "focus leaves while recording", allowed=(3, 13))
async def focus_leaves(w):
    room = w.new_room()
    session_id, nick = await w.on(room)
    w.focus.leave()
    await asyncio.sleep(2)
    w.focus._drop_all()
    w.focus.rooms.pop(room)
    await w.focus.join()
    await w.focus.wait_recorder(nick, lambda r: True, 10)
    check(w.recorder(nick).busy == "busy", "it is idle when focus comes back")
    kind, jibri = await w.raw(nick, w.stop_child(session_id))
    check(kind == "result" and jibri.get("status") == "off", f"{kind} {jibri}")
    movie = await w.rig.wait_finished(session_id)
    check(seconds_of(movie) > 1.5, f"only {seconds_of(movie)} s")
    await w.idle()


@scenario(88, "Jicofo restart while pending", allowed=(3, 13, 15))
async def focus_restarts(w):
    room = w.new_room("never-joins")
    session_id = await w.start(room)
    nick = w.focus.room(room).session.node.split("/")[1]
    w.focus.leave()
    w.focus._disarm(w.focus.room(room).session)
    w.focus.rooms.pop(room)
    w.focus._drop_all()
    await w.focus.join()
    await w.focus.wait_recorder(nick, lambda r: True, 10)
    kind, jibri = await w.raw(nick, w.start_child(w.new_room()))
    check(kind == "result", f"{kind} {jibri}")
    w.check_off(jibri, "busy", "true")
    await w.raw(nick, w.stop_child(session_id))
    await w.idle()


@scenario(89, "no failure_reason but on off")
async def no_reason(w):
    strange = [v for v in w.focus.violations if v.rule == 5]
    check(not strange, f"{strange}")
    return "over the whole run"


@scenario(90, "finalize script hangs or fails", timeout=90)
async def finalize_fails(w):
    for word in ("slowscript", "failscript"):
        mark = len(w.log())
        room = w.new_room()
        session_id, nick = await w.on(room, session_id=f"finalize-{word}-{w.count}")
        await asyncio.sleep(0.5)
        took, _ = await stop_and_idle(w, room, nick)
        check(took < SCRIPT_S, f"idle after {took:.1f} s")
        await w.rig.wait_finished(session_id)
        if word == "failscript":
            await w.wait_log(r"(script|finalize).*(3|fail|exit)", 30, mark)
        await w.idle()


def http(w, which, path, body=None, method=None):
    port = w.ports[which]
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, method=method)
    with urllib.request.urlopen(request, timeout=15 * PATIENCE) as answer:
        return answer.status, answer.read()


@scenario(92, "drain", "drain", timeout=120, allowed=(16,))
async def drain(w):
    room = w.new_room()
    session_id, nick = await w.on(room)
    status, _ = await asyncio.to_thread(
        http, w, "internal", "/jibri/api/internal/v1.0/gracefulShutdown", b"", "POST")
    check(status == 200, f"HTTP {status}")
    await w.focus.wait(lambda: all(r.busy == "busy" for r in w.focus.recorders.values()), 5,
                       "busy in all presences")
    await asyncio.sleep(1)
    check(w.focus.state(room) == "on", "the session did not go on")
    await w.stop(room)
    await w.focus.wait(lambda: not w.focus.recorders, 30, "all slots gone")
    code = await asyncio.to_thread(w.rig.telerecd.wait, 60 * PATIENCE)
    movie = await w.rig.wait_finished(session_id, 1)
    check(not decode_faults(movie), f"{decode_faults(movie)}")
    return f"ended by itself with exit code {code}"


@scenario(91, "node shutdown while recording", "shutdown", timeout=120, allowed=(16,))
async def shutdown(w):
    room = w.new_room()
    w.focus.settings.retries = 0
    session_id, nick = await w.on(room)
    await asyncio.sleep(1)
    began, mark = time.monotonic(), len(w.focus.events)
    w.rig.telerecd.send_signal(signal.SIGTERM)
    off = await w.ended(room, 30)
    await w.focus.wait(lambda: not w.focus.recorders, 30, "unavailable presence")
    code = await asyncio.to_thread(w.rig.telerecd.wait, 60 * PATIENCE)
    took = time.monotonic() - began
    said = [d for _, k, _, d in w.focus.events[mark:] if k == "status"]
    movie = await w.rig.wait_finished(session_id, 1)
    check(not decode_faults(movie), f"{decode_faults(movie)}")
    check(code == 0, f"exit code {code}")
    return f"published {off['status']} {off['failure_reason']}, {len(said)} status IQ, {took:.1f} s"


@scenario(77, "browser cannot start", "nobrowser", timeout=150, allowed=(16,))
async def browser_fails(w):
    """The browser dies and does not start again; then it does."""
    await w.idle(60)
    open(w.rig.path("no-browser"), "w").close()
    room = w.new_room()
    for pid, words in descendants(w.rig.telerecd.pid):
        if "chromium" in words and "--type=" not in words:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
    w.focus.settings.retries = 0
    answer = await w.focus.client_start(room)
    if answer.ok:
        off = await w.ended(room, 60)
        check(off["failure_reason"] == "error", f"published {off}")
        said = "accepted, then off/error"
    else:
        said = "refused"
    await w.focus.wait(lambda: not any(r.available for r in w.focus.recorders.values()), 5,
                       "a presence that does not call it available")
    await asyncio.sleep(3)
    shown = {(r.busy, r.health) for r in w.focus.recorders.values()}
    check(("idle", "healthy") not in shown, f"shown as {shown}")
    os.unlink(w.rig.path("no-browser"))
    await w.idle(90)
    return f"{said}; meanwhile {'+'.join(next(iter(shown), ('absent',)))}, idle again later"


@scenario(2, "unhealthy start", "unhealthy", timeout=90)
async def unhealthy_start(w):
    recorder = await w.focus.wait(
        lambda: next(iter(w.focus.recorders.values()), None), 20, "the join")
    await asyncio.sleep(5)
    check(not recorder.available, f"{recorder.busy} {recorder.health} without a working browser")
    kind, jibri = await w.raw(recorder.nick, w.start_child())
    check(kind == "result" and jibri, f"{kind} {jibri}")
    w.check_off(jibri, "error", "true")
    return f"{recorder.busy}+{recorder.health}"


@scenario(81, "disk full", "diskfull", timeout=150, allowed=(16,))
async def disk_full(w):
    await w.idle(60)
    w.focus.settings.retries = 0
    room = w.new_room()
    session_id, nick = await w.on(room)
    await asyncio.sleep(2)
    mark = len(w.focus.events)
    with open(os.path.join(w.rig.recordings, "filler"), "wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12):
            try:
                while filler.write(bytes(size)) == size:
                    pass
            except OSError:
                pass
    off = await w.ended(room, 40)
    said = [d for _, k, _, d in w.focus.events[mark:] if k == "status" and d.get("status") == "off"]
    check(off["failure_reason"] == "error" and said and said[-1].get("should_retry") == "true",
          f"published {off['failure_reason']}, said {said}")
    await w.focus.wait(lambda: not w.recorder(nick).available, 5, "ill on a full disk")
    kind, jibri = await w.raw(nick, w.start_child(w.new_room()))
    check(kind == "result", f"{kind} {jibri}")
    w.check_off(jibri, "error", "true")      # another recorder may have room
    folder = w.rig.session_folder(session_id)
    movies = [os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".mp4")]
    check(movies, "there is no movie")
    for movie in movies:
        faults = decode_faults(movie)
        check(not faults, f"{movie}: {faults}")
    check(sum(map(seconds_of, movies)) > 1, f"only {sum(map(seconds_of, movies))} s")
    os.unlink(os.path.join(w.rig.recordings, "filler"))
    await w.idle()
    await w.focus.wait(lambda: not any(".part-" in n for n in os.listdir(folder)), 60,
                       "one file although there is room again")
    await w.rig.wait_finished(session_id)
