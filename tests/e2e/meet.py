"""`quickstart meet` as a test: its program, two rooms recorded at once, one of them by the button
of its page, and each file holds only its own meeting's tone."""

import asyncio
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers", "focus"))
from rig import (Failed, build_folder, decode_faults, descendants, run,       # noqa: E402
                 seconds_of, sound_of, tone_levels)
from focus import PATIENCE                                                     # noqa: E402
from visitor import Visitor                                                    # noqa: E402

SECONDS = 2
APART_DB = 20       # a busy browser stutters, which sounds a little like every tone


class Meeting:
    """The program, and what it prints."""

    def __init__(self, folder):
        self.folder = folder
        self.lines = []

    async def start(self):
        program = os.path.join(HERE, "..", "peers", "focus", "meet.py")
        self.process = subprocess.Popen(
            [sys.executable, "-B", program, "--build", build_folder(), "--recordings",
             self.folder + "/recordings", "--size", "640x360", "--frame-rate", "15", "--port", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.task = asyncio.create_task(asyncio.to_thread(self._read))
        await self.wait_line("Ctrl-C", 150 * PATIENCE)
        text = "\n".join(self.lines)
        self.pages = re.findall(r"^ {4}(http://\S+)", text, re.MULTILINE)
        self.door = re.search(r"double: (http://\S+)", text).group(1)
        return self

    def _read(self):
        for line in self.process.stdout:
            print("  | " + line, end="", flush=True)
            self.lines.append(line.rstrip())

    async def wait_line(self, words, timeout):
        end = time.monotonic() + timeout
        while not any(words in line for line in self.lines):
            if self.task.done():
                raise Failed("the program ended: " + " / ".join(self.lines[-3:])) if not any(
                    "skipped:" in line for line in self.lines) else SystemExit(77)
            if time.monotonic() > end:
                raise Failed(f"it does not say {words!r} within {timeout} s")
            await asyncio.sleep(0.1)

    async def ask(self, path, body=None):
        def get():
            data = json.dumps(body).encode() if body else None
            with urllib.request.urlopen(self.door + path, data, 15 * PATIENCE) as answer:
                return json.load(answer)
        return await asyncio.to_thread(get)

    async def wait_recording(self, room, state, timeout=30 * PATIENCE):
        end = time.monotonic() + timeout
        while True:
            now = await self.ask("/rooms/" + room)
            if now["recording"] == state:
                return now["session_id"]
            if time.monotonic() > end or now["failure"]:
                raise Failed(f"{room} is {now} instead of {state}")
            await asyncio.sleep(0.1)

    async def end(self):
        self.process.send_signal(signal.SIGINT)
        try:
            code = await asyncio.to_thread(self.process.wait, 60 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("it does not end by Ctrl-C") from None
        if code:
            raise Failed(f"its exit code is {code}")


def check_movie(folder, tones):
    names = sorted(os.listdir(folder))
    movies = [n for n in names if n.endswith(".mp4")]
    if len(movies) != 1 or not {"metadata.json", "report.json"} <= set(names):
        raise Failed(f"{folder} holds {names}")
    movie = os.path.join(folder, movies[0])
    if faults := decode_faults(movie):
        raise Failed(f"{movie}: {faults}")
    samples = sound_of(movie, start=1)
    # A browser that is short of the machine is silent for a while: what counts is when it sounds.
    pairs = list(zip(*(tone_levels(samples, tone) for tone in tones)))
    own, other = (statistics.median(levels) for levels in zip(
        *[pair for pair in pairs if pair[0] > -40] or [(-160, -160)]))
    print(f"{movies[0]}: {seconds_of(movie):.1f} s, its own tone {tones[0]} Hz at {own:.1f} dB, "
          f"the other room's {tones[1]} Hz at {other:.1f} dB")
    if own < -40 or own - other < APART_DB:
        raise Failed(f"the tones are only {own - other:.1f} dB apart, own {own:.1f} dB")


def is_heard(meeting, session, tone):
    """Whether the part that is being recorded has the tone."""
    folder = os.path.join(meeting.folder, "recordings", session)
    part = next((n for n in os.listdir(folder) if ".part-" in n and n.endswith(".mp4")), None)
    try:
        return part and max(
            tone_levels(sound_of(os.path.join(folder, part)), tone), default=-160) > -40
    except subprocess.CalledProcessError:
        return False              # there is no sound in it yet


async def wait_heard(meeting, sessions, tones):
    """On a busy machine a page begins to sound seconds after it was joined."""
    end = time.monotonic() + 30 * PATIENCE
    for session, tone in zip(sessions, tones):
        while not await asyncio.to_thread(is_heard, meeting, session, tone):
            if time.monotonic() > end:
                raise Failed(f"session {session} does not hear its {tone} Hz")
            await asyncio.sleep(1)


async def record_both(meeting, visitor, rooms, tones):
    button = "#recording button"
    await visitor.wait(f"document.querySelector('{button}')?.textContent === 'Record'", 30)
    answer = await meeting.ask("/record", {"room": rooms[0], "action": "start", "mode": "file"})
    if answer["status"] not in ("pending", "on"):
        raise Failed(f"the start was answered by {answer}")
    await visitor.press(button)
    sessions = [await meeting.wait_recording(room, "on") for room in rooms]
    await visitor.wait(f"document.querySelector('{button}').textContent === 'Stop recording'", 10)
    await wait_heard(meeting, sessions, tones)
    await asyncio.sleep(SECONDS)
    await visitor.press(button)
    await meeting.ask("/record", {"room": rooms[0], "action": "stop"})
    for room in rooms:
        await meeting.wait_recording(room, "off")
    return sessions


async def wait_files(meeting, sessions):
    end = time.monotonic() + 60 * PATIENCE
    folders = [os.path.join(meeting.folder, "recordings", s) for s in sessions]
    while not all(os.path.exists(os.path.join(f, n)) for f in folders
                  for n in ("metadata.json", "report.json")):
        if time.monotonic() > end:
            raise Failed("not finished: " + "; ".join(
                f"{f}: {os.listdir(f) if os.path.isdir(f) else 'missing'}" for f in folders))
        await asyncio.sleep(0.2)
    return folders


async def main():
    folder = tempfile.mkdtemp(prefix="telerec-meet.")
    os.chmod(folder, 0o755)
    meeting, visitor = Meeting(folder), Visitor(folder + "/visitor")
    try:
        await meeting.start()
        rooms = [page.rsplit("/", 1)[1] + "@conference.meet.test" for page in meeting.pages]
        await visitor.start(meeting.pages[1])
        tones = [int(re.search(r"tone(\d+)", room).group(1)) for room in rooms]
        sessions = await record_both(meeting, visitor, rooms, tones)
        await visitor.close()
        folders = await wait_files(meeting, sessions)
        violations = await meeting.ask("/violations")
        if violations:
            raise Failed(f"Jicofo would complain: {violations}")
        below = [pid for pid, _ in descendants(meeting.process.pid)]
        await meeting.end()
        end = time.monotonic() + 5 * PATIENCE      # those that were killed last
        while left := [pid for pid in below if os.path.exists(f"/proc/{pid}/exe")]:
            if time.monotonic() > end:
                raise Failed(f"left running: {left}")
            await asyncio.sleep(0.1)
        check_movie(folders[0], tones)
        check_movie(folders[1], tones[::-1])
    finally:
        if hasattr(meeting, "process") and meeting.process.poll() is None:
            meeting.process.send_signal(signal.SIGTERM)
            meeting.process.wait(60 * PATIENCE)
        if hasattr(visitor, "process") and visitor.process.poll() is None:
            await visitor.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    run(main)
