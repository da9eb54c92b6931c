"""A whole Jitsi installation in small, for people and for a test: Prosody, Jicofo's double, the
demo meeting with its Record button, and telerecd. Says which pages to open; ends by Ctrl-C or SIGTERM,
and everything with it.

    python3 meet.py --build build --recordings recordings [--slots 2] [--port 8080] [--record 10]

With --record it presses Record in all rooms by itself, and ends after so many seconds.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys

from prosody import Unavailable
from rig import Failed, Rig

ROOMS = ("blue-tone440", "green-tone660")
READY_S = 120


def say(text=""):
    print(text, flush=True)


def port_or_any(port):
    """A port that people can remember, when it is free."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return port
    except OSError:
        return 0


def tell(rig, args):
    say()
    say("Open one of these meetings and press Record (both at once is fine):")
    for room in ROOMS:
        say(f"    {rig.base_url}/{room}")
    say()
    say(f"Recordings: {os.path.abspath(args.recordings)}/SESSION/ROOM_DATE.mp4")
    say(f"Jicofo's double: {rig.control.url} (GET /nodes, /violations)")
    say(f"The node's log: {rig.path('telerec.log')}")
    say("Ctrl-C ends everything.")
    say()


def follow(rig):
    """Prints what the rooms see, a line each."""
    def log(kind, details):
        if kind == "published":
            words = f"recording {details['status']}"
            if details["reason"]:
                words += f" ({details['reason']})"
            say(f"{details['room'].split('@')[0]}: {words}, session {details['id']}")
        elif kind == "violation":
            say(f"Jicofo would complain (rule {details['rule']}): {details['text']}")
    return log


async def keep(rig, args, ending):
    log = follow(rig)
    seen = 0
    telerecd = asyncio.create_task(asyncio.to_thread(rig.telerecd.wait))
    while not ending.is_set() and not telerecd.done():
        event = rig.focus.changed
        for _, kind, _, details in rig.focus.events[seen:]:
            log(kind, details)
        seen = len(rig.focus.events)
        await asyncio.wait([asyncio.create_task(event.wait()), asyncio.create_task(ending.wait()),
                            telerecd], return_when=asyncio.FIRST_COMPLETED, timeout=1)
    if telerecd.done():
        raise Failed(f"telerecd ended by itself:\n{rig.warn_words()}")


async def record(rig, seconds):
    """In all rooms at once."""
    rooms = [rig.room(name) for name in ROOMS[:rig.slots]]
    sessions = []
    for room in rooms:
        answer = await rig.focus.client_start(room)
        if not answer.ok:
            raise Failed(f"{room}: {answer.condition} {answer.text}")
        sessions.append(answer.session_id)
    for room in rooms:
        await rig.focus.wait_published(room, "on", 60)
    await asyncio.sleep(seconds)
    for room in rooms:
        await rig.focus.client_stop(room)
    for session_id in sessions:
        say(await rig.wait_finished(session_id, 120))
    if rig.focus.violations:
        raise Failed(f"Jicofo would complain: {[str(v) for v in rig.focus.violations[:3]]}")


async def meet(args):
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, ending.set)
    os.makedirs(args.recordings, exist_ok=True)
    settings = {"video": {"size": args.size, "frame_rate": args.frame_rate},
                "log_level": "info",
                "checks": {"join_timeout": "30s", "empty_timeout": "30s", "no_media_timeout": "3m",
                           "all_muted_timeout": "10m", "ice_timeout": "30s",
                           "start_timeout": "60s"}}
    async with Rig(args.build, slots=args.slots, settings=settings,
                   recordings=os.path.abspath(args.recordings),
                   meeting_port=port_or_any(args.port)) as rig:
        await rig.start_telerecd()
        say(f"waiting for {args.slots} recorders to be ready ...")
        ready = asyncio.create_task(rig.focus.wait_idle(args.slots, READY_S))
        stop = asyncio.create_task(ending.wait())
        gone = asyncio.create_task(asyncio.to_thread(rig.telerecd.wait))
        await asyncio.wait([ready, stop, gone], return_when=asyncio.FIRST_COMPLETED)
        if gone.done() or (ready.done() and ready.exception()):
            raise Failed(f"the recorders are not ready:\n{rig.warn_words()}")
        if not ending.is_set():
            tell(rig, args)
            if args.record:
                await record(rig, args.record)
            else:
                await keep(rig, args, ending)
        say("ending; recordings that still run are completed ...")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--recordings", default="recordings")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--frame-rate", type=int, default=30)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--record", type=float, default=0)
    args = parser.parse_args()
    try:
        asyncio.run(meet(args))
    except Unavailable as reason:
        say(f"skipped: {reason}")
        sys.exit(77)
    except (Failed, TimeoutError, OSError, RuntimeError) as error:
        say(f"FAILED: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
