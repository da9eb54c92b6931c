"""How long people wait: from Jicofo's start to `on` with a warm slot, from its stop to `idle`, and
beside it the cold start of the whole node. Fails when the medians miss their targets three times in a
row: a machine with much else to do may miss them now and then.

    TR_BUILD_DIR=build python3 tests/bench/latency/latency.py [RUNS] [SIZE@RATE]
"""

import asyncio
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "peers",
                                "focus"))
from rig import Failed, Rig, build_folder, decode_faults, run, seconds_of   # noqa: E402

ON_S = 2.0
IDLE_S = 2.0
TURNS = 3


def p95(values):
    return sorted(values)[max(0, -(-95 * len(values) // 100) - 1)]


def line(name, values, target=None):
    aim = f", target {target:.1f} s" if target else ""
    print(f"{name}: median {statistics.median(values):.2f} s, p95 {p95(values):.2f} s, "
          f"best {min(values):.2f} s, worst {max(values):.2f} s of {len(values)}{aim}", flush=True)


async def one(rig, count):
    """(start to on, stop to idle, the session's movie and how long it must be)."""
    room = rig.room(f"latency-{count}")
    began = time.monotonic()
    answer = await rig.focus.client_start(room)
    if not answer.ok:
        raise Failed(f"start {count} was refused: {answer.condition} {answer.text}")
    on = await rig.focus.wait_published(room, "on", 30, answer.session_id)
    await asyncio.sleep(2)
    node = rig.focus.room(room).session.node
    mark, stopped = len(rig.focus.events), time.monotonic()
    await rig.focus.client_stop(room)
    recorder = rig.focus.recorders[node]
    await rig.focus.wait(lambda: recorder.available, 20, "idle")
    idle = next(t for t, k, o, d in rig.focus.events[mark:] if k == "presence" and o == node and
                d["busy"] == "idle")
    return on["at"] - began, idle - stopped, answer.session_id, stopped - on["at"]


async def check_files(rig, sessions):
    """The first second after `on` is in each file: it is at least as long as the time from `on` to
    the stop."""
    for session_id, seconds in sessions:
        movie = await rig.wait_finished(session_id)
        if faults := decode_faults(movie):
            raise Failed(f"{movie}: {faults}")
        if seconds_of(movie) < seconds - 0.25:
            raise Failed(f"{movie} has {seconds_of(movie):.2f} s, but {seconds:.2f} s passed "
                         "between on and stop")


async def measure(rig, runs, done):
    """What misses its target, or None."""
    on, idle, sessions = [], [], []
    for count in range(done, done + runs):
        first, second, session_id, seconds = await one(rig, count)
        sessions.append((session_id, seconds))
        on.append(first)
        idle.append(second)
        print(f"  run {count:2}: on after {first:.2f} s, idle {second:.2f} s after the stop",
              flush=True)
    line("start to on, warm slot", on, ON_S)
    line("stop to idle", idle, IDLE_S)
    await check_files(rig, sessions)
    if statistics.median(on) >= ON_S:
        return f"the median start takes {statistics.median(on):.2f} s"
    if p95(idle) >= IDLE_S:
        return f"one stop in twenty takes {p95(idle):.2f} s"
    return None


async def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    size, _, rate = (sys.argv[2] if len(sys.argv) > 2 else "1280x720@30").partition("@")
    async with Rig(build_folder(), slots=1, settings={
            "video": {"size": size, "frame_rate": int(rate)}, "log_level": "info"}) as rig:
        spawned = time.monotonic()
        await rig.start_telerecd()
        await rig.focus.wait_idle(1, 90)
        ready = time.monotonic() - spawned
        first, _, session_id, seconds = await one(rig, 0)
        print(f"cold start: ready after {ready:.2f} s, first on {first:.2f} s later, "
              f"{ready + first:.2f} s in all", flush=True)
        await check_files(rig, [(session_id, seconds)])
        for turn in range(TURNS):
            missed = await measure(rig, runs, 1 + turn * runs)
            if not missed:
                break
            print(missed, flush=True)
        if rig.focus.violations:
            raise Failed(f"Jicofo would complain: {[str(v) for v in rig.focus.violations[:3]]}")
    if missed:
        raise Failed(missed)


if __name__ == "__main__":
    run(main)
