"""Marker passwords, keys and tokens go through recordings and failures of every kind; then logs,
command lines, environments, state files, error messages and the recordings are searched for them."""

import asyncio
import contextlib
import json
import os
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers", "focus"))
from rig import Failed, Rig, build_folder, descendants, run    # noqa: E402
from xmpp import Node                                           # noqa: E402
from focus import JIBRI                                         # noqa: E402

MARKERS = {
    "control password": "Mk1controlPassw0rdXyzzy",
    "call password": "Mk2callPassw0rdXyzzy",
    "wrong control password": "Mk3wrongPassw0rdXyzzy",
    "token in app_data": "Mk4tokenOfSomebodyXyzzy",
    "stream key": "Mk5-stream-keyy-xyzz-yyyy",
    "token in bad app_data": "Mk6tokenInBadDataXyzzy",
    "rtmp password": "Mk7rtmpPassw0rdXyzzy",
}
APP_DATA = json.dumps({"file_recording_metadata": {"upload_credentials": {
    "service_name": "dropbox", "token": MARKERS["token in app_data"]}}})


def runtime_folders():
    """Where slots, browsers and X servers keep what is theirs."""
    return {os.path.join(base, name) for base in ("/dev/shm", "/run", "/tmp")
            for name in os.listdir(base) if name.startswith("telerec-")}


class Search:
    def __init__(self, mine):
        self.mine = mine              # pids that are ours to know it
        self.found = set()
        self.looked_at = {}

    def look(self, where, data):
        what = where.split(":")[0]
        self.looked_at[what] = self.looked_at.get(what, 0) + 1
        for name, marker in MARKERS.items():
            if marker.encode() in data:
                self.found.add(f"{name} in {where}")

    def processes(self):
        for pid, words in descendants():
            if pid in self.mine:
                continue
            for what in ("cmdline", "environ"):
                try:
                    with open(f"/proc/{pid}/{what}", "rb") as file:
                        self.look(f"{what}: {words.split(' ')[0]}", file.read())
                except OSError:
                    pass

    def prove(self, folder):
        """It finds a secret where there is one."""
        marker = MARKERS["stream key"]
        child = subprocess.Popen(["sleep", "60"], env={"X": marker})
        with open(os.path.join(folder, "proof"), "w") as out:
            out.write(marker)
        try:
            self.processes()
            self.files(folder)
        finally:
            child.kill()
            child.wait()
            os.unlink(os.path.join(folder, "proof"))
        if {w.split(" in ")[1].split(":")[0] for w in self.found} != {"environ", "file"}:
            raise Failed(f"the search finds only {self.found}")
        self.found.clear()

    async def keep_looking(self):
        while True:
            self.processes()
            await asyncio.sleep(0.2)

    def files(self, folder, allowed=()):
        for root, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(root, name)
                try:
                    with open(path, "rb") as file:
                        data = file.read(1 << 28)     # of others' films, too
                except OSError:
                    continue
                if path.endswith(allowed) and allowed:
                    if stat.S_IMODE(os.stat(path).st_mode) != 0o600 and any(
                            m.encode() in data for m in MARKERS.values()):
                        self.found.add(f"{path} holds a secret and is not 0600")
                    continue
                self.look(f"file: {path}", data)


async def record(rig, name, **more):
    answer = await rig.focus.client_start(rig.room(name), **more)
    if not answer.ok:
        raise Failed(f"{name}: refused: {answer.condition}")
    return answer.session_id


async def recording(rig):
    for attempt in range(3):      # a machine that is too busy for the short join_timeout
        room = rig.room(f"secrets-room{attempt}")
        session_id = await record(rig, f"secrets-room{attempt}", app_data=APP_DATA)
        await rig.focus.wait(lambda r=room: rig.focus.state(r) != "pending", 30, "on")
        if rig.focus.state(room) == "on":
            break
        await rig.focus.wait_idle(rig.slots, 40)
        rig.focus.forget_failures()
    await asyncio.sleep(1.5)
    await rig.focus.client_stop(room)
    movie = await rig.wait_finished(session_id)
    with open(os.path.join(os.path.dirname(movie), "metadata.json")) as file:
        text = file.read()
    if MARKERS["token in app_data"] not in text:
        raise Failed("the token did not reach metadata.json, so this test tests nothing")
    await rig.focus.wait_idle(rig.slots, 30)


async def failures(rig):
    for word in ("never-joins", "password", "lobby", "no-overrides", "crash.1"):
        room = f"{word}-secrets"
        await record(rig, room, app_data=APP_DATA)
        try:
            await rig.focus.wait(lambda: rig.focus.state(rig.room(room)) == "off",
                                 2 if word.startswith("crash") else 25, "the end")
        except TimeoutError:          # a crash may be repaired
            await rig.focus.client_stop(rig.room(room))
        await rig.focus.wait_idle(rig.slots, 40)
        rig.focus.forget_failures()


async def refusals(rig):
    nick = next(iter(rig.focus.recorders.values())).nick
    key, rtmp = MARKERS["stream key"], MARKERS["rtmp password"]
    for more in ({"recording_mode": "stream", "streamid": key},
                 {"recording_mode": "stream", "streamid": f"rtmps://user:{rtmp}@127.0.0.1:9/x"},
                 {"app_data": "no JSON " + MARKERS["token in bad app_data"]},
                 {"app_data": '{"x": "' + MARKERS["token in bad app_data"]}):
        child = Node("jibri", JIBRI, {
            "action": "start", "recording_mode": "file", "room": rig.room("refused"),
            "session_id": f"refused-{len(str(more))}", **more})
        answer = await rig.focus.raw(nick, child)
        for marker in MARKERS.values():
            if marker in str(answer):
                raise Failed(f"an answer holds a secret: {answer}")
        await asyncio.sleep(4 if "streamid" in more else 1)      # until a server is asked
        await rig.focus.raw(nick, rig.stop_child())
        await rig.focus.wait_idle(rig.slots, 40)
        rig.focus.forget_failures()


async def main():
    control, call = MARKERS["control password"], MARKERS["call password"]
    passwords = {"jibri": control, "recorder": call}
    async with Rig(build_folder(), slots=1, prosody={"passwords": passwords}) as rig:
        checks = {"join_timeout": "5s"}       # many of the meetings are never joined
        wrong = rig.environment(name="wrong", brewery={"nickname": "wrong"})
        wrong["control"]["password"] = MARKERS["wrong control password"]
        nobody = {"match": "rtmp://a.*/live2/(.*)", "to": "rtmp://127.0.0.1:9/x/\\1"}
        rig.more_settings = {"environments": [rig.environment(), wrong],
                             "stream": {"rewrite": [nobody]}, "checks": checks}
        search = Search({rig.meeting.pid, rig.prosody.process.pid})
        search.prove(rig.recordings)
        before = runtime_folders()
        await rig.start_telerecd()
        watching = asyncio.create_task(search.keep_looking())
        await rig.focus.wait_idle(1, 90)
        rig.focus.settings.retries = 0
        await recording(rig)
        await refusals(rig)
        await failures(rig)
        room = rig.room("killed")
        await record(rig, "killed", app_data=APP_DATA)
        await asyncio.sleep(3)
        for pid, words in descendants(rig.telerecd.pid):
            if "chromium" in words and "--type=" not in words:
                with contextlib.suppress(ProcessLookupError):  # it may go with another one
                    os.kill(pid, 9)
        await asyncio.sleep(5)
        if rig.focus.state(room) != "off":
            await rig.focus.client_stop(room)
        await asyncio.sleep(1)
        with open("/proc/%d/environ" % rig.telerecd.pid, "rb") as file:
            search.look("environ: telerecd", file.read())
        for folder in runtime_folders() - before:
            search.files(folder)
        await rig.stop_process(rig.telerecd)
        watching.cancel()
        search.files(rig.recordings, allowed=("metadata.json",))
        search.look("log: telerecd", rig.log_text().encode())
        told = repr([e[1:] for e in rig.focus.events])
        search.look("messages: what rooms and Jicofo were told", told.encode())
        if rig.focus.violations:
            raise Failed(f"Jicofo would complain: {[str(v) for v in rig.focus.violations[:3]]}")
        if search.found:
            raise Failed("; ".join(sorted(search.found)))
        print(f"{len(MARKERS)} secrets, found in none of: " + ", ".join(
            f"{count} x {what}" for what, count in sorted(search.looked_at.items())))


if __name__ == "__main__":
    run(main)
