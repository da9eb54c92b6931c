"""Prosody restarted, killed, cut off and black-holed during recordings: nothing of them is lost, and
the node is back in the brewery within 30 s of the server's return."""

import asyncio
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers", "focus"))
from focus import PATIENCE                                                           # noqa: E402
from rig import Failed, Rig, build_folder, decode_faults, run, seconds_of, sound_of  # noqa: E402

BACK_S = 30 * PATIENCE
OUTAGE_S = 12
SETTLED_S = 2


async def restarted(rig):
    rig.prosody.stop()
    await asyncio.sleep(OUTAGE_S)
    rig.prosody.start()


async def killed(rig):
    rig.prosody.stop(is_kill=True)
    await asyncio.sleep(OUTAGE_S)
    rig.prosody.start()


async def cut_off(rig):
    rig.proxy.refuse()
    await asyncio.sleep(20)
    rig.proxy.go()


async def black_holed(rig):
    """Longer than the pings need to notice it."""
    rig.proxy.black_hole()
    await asyncio.sleep(65)
    rig.proxy.go()


async def wait_back(rig, count):
    """Both are in the brewery, and all slots show what they do."""
    began = time.monotonic()
    await rig.focus.wait(lambda: rig.focus.in_brewery and len(rig.focus.recorders) == count, 90,
                         "the node in the brewery")
    took = time.monotonic() - began
    if took > BACK_S:
        raise Failed(f"back after {took:.0f} s only")
    return took


def longest_silence(movie, rate=8000):
    """Seconds of the longest stretch without the meeting's tone."""
    samples = sound_of(movie, rate, start=1)
    longest = run_length = 0
    for first in range(0, len(samples) - rate // 20, rate // 20):
        is_silent = max(map(abs, samples[first:first + rate // 20])) < 100
        run_length = run_length + 1 if is_silent else 0
        longest = max(longest, run_length)
    return longest / 20


async def outage(rig, trouble):
    name = trouble.__name__
    room = rig.room(f"{name.replace('_', '-')}-tone500")
    answer = await rig.focus.client_start(room)
    if not answer.ok:
        raise Failed(f"{name}: refused: {answer.condition} {answer.text}")
    on = await rig.focus.wait_published(room, "on", 30)
    nick = rig.focus.room(room).session.node.split("/")[1]
    rig.focus.settings.retries = 0       # nobody takes it over
    await asyncio.sleep(SETTLED_S)
    await trouble(rig)
    back = await wait_back(rig, rig.slots)
    recorder = await rig.focus.wait_recorder(nick, lambda r: True, 5)
    if recorder.busy != "busy":
        raise Failed(f"{name}: it shows {recorder.busy} while it records")
    await asyncio.sleep(SETTLED_S)
    # Jicofo has no session any more: its stop is what a person would do by hand.
    ran = time.monotonic() - on["at"]
    answer_to_stop = await rig.focus.raw(nick, rig.stop_child(answer.session_id))
    if answer_to_stop.get("type") != "result":
        raise Failed(f"{name}: the stop is answered by {answer_to_stop}")
    movie = await rig.wait_finished(answer.session_id)
    await rig.focus.wait_idle(rig.slots, 20)
    rig.focus.forget_failures()
    await rig.focus.conference_ends(room)
    rig.focus._started.clear()
    if faults := decode_faults(movie):
        raise Failed(f"{name}: {faults}")
    if seconds_of(movie) < ran - 2:
        raise Failed(f"{name}: {seconds_of(movie):.1f} s of {ran:.1f} s are in the file")
    with open(os.path.join(os.path.dirname(movie), "report.json")) as file:
        sound = json.load(file)["sound"]
    if sound["lost_s"] or sound["gaps"]:
        raise Failed(f"{name}: {sound['lost_s']} s of sound were lost in {sound['gaps']} gaps")
    # A browser that is short of the machine is silent for a while; each outage is longer.
    silence = longest_silence(movie)
    if silence > OUTAGE_S - 2:
        raise Failed(f"{name}: {silence:.2f} s of silence in the file")
    print(f"{name}: back {back:.1f} s after the server's return, {seconds_of(movie):.1f} s "
          f"recorded, longest silence {silence:.2f} s", flush=True)


async def main():
    chosen = sys.argv[1:]
    async with Rig(build_folder(), slots=2, through_proxy=True,
                   settings={"checks": {"start_timeout": "60s"}}) as rig:
        await rig.start_telerecd()
        await rig.focus.wait_idle(2, 90)
        for trouble in (restarted, killed, cut_off, black_holed):
            if not chosen or trouble.__name__ in chosen:
                await outage(rig, trouble)


if __name__ == "__main__":
    run(main)
