"""Everything that a test of the node needs around it, as real programs: Prosody, Jicofo's double,
the demo meeting, and telerecd with its settings. One Rig is one such world in a folder of its own;
when it is left, no process and no file of it remains (or TimeoutError and the like say what does).

    async with Rig(build, slots=2) as rig:
        await rig.start_telerecd()
        await rig.focus.wait_idle(2, 60)
        answer = await rig.focus.client_start(rig.room("demo"))
"""

import asyncio
import ctypes
import json
import math
import os
import pwd
import array
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from control import Control
from focus import JIBRI, PATIENCE, Focus, Settings
from prosody import Prosody, Unavailable, free_ports
from proxy import Proxy
from xmpp import Node

PR_SET_CHILD_SUBREAPER = 36
SLOT_UID = 64123


class Failed(Exception):
    """A sentence for who reads the test's output."""


def to_libconfig(value, indent=""):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    inner = indent + "\t"
    if isinstance(value, dict):
        return "{\n" + "".join(f"{inner}{k} = {to_libconfig(v, inner)};\n"
                               for k, v in value.items()) + indent + "}"
    if value and isinstance(value[0], str):
        return "[" + ", ".join(to_libconfig(v) for v in value) + "]"
    return "(" + ", ".join(to_libconfig(v, inner) for v in value) + ")"


def write_settings(path, settings, mode=0o644):
    text = "".join(f"{k} = {to_libconfig(v)};\n" for k, v in settings.items())
    with open(path, "w") as out:
        out.write(text)
    os.chmod(path, mode)


def merge(into, more):
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into


def descendants(pid=None):
    """[(pid, command line)] of all processes below one."""
    children = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{name}/cmdline") as file:
                words = file.read().replace("\0", " ").strip()
        except OSError:
            continue
        children.setdefault(parent, []).append((int(name), words))
    found, todo = [], [pid or os.getpid()]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child[0])
    return found


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Unavailable(f"{program} is not installed")


class Rig:
    started = []                      # processes of all rigs
    alive = 0                         # rigs

    def __init__(self, build, flavour="debian", slots=2, settings=None, focus=None, prosody=None,
                 through_proxy=False, folder=None, recordings=None, log=None, keep=False,
                 meeting_port=0, control_port=0):
        self.build, self.slots = build, slots
        self.more_settings, self.focus_settings = settings or {}, focus or {}
        self.prosody_settings = {"flavour": flavour, **(prosody or {})}
        self.through_proxy = through_proxy
        self.given_folder, self.recordings = folder, recordings
        self.log = log or (lambda text: None)
        self.keep = keep
        self.meeting_port, self.control_port = meeting_port, control_port
        self.prosody = self.focus = self.control = self.meeting = self.proxy = None
        self.telerecd = None
        self.base_url = ""

    # The world

    async def __aenter__(self):
        need("prosody", "openssl", "Xvfb", "ffmpeg", "ffprobe")
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        Rig.alive += 1
        self.folder = self.given_folder or tempfile.mkdtemp(prefix="telerec-rig.")
        os.chmod(self.folder, 0o755)
        try:
            await self._start()
        except BaseException:
            await self.__aexit__(*sys.exc_info())
            raise
        return self

    async def _start(self):
        self.recordings = self.recordings or self.path("recordings")
        os.makedirs(self.recordings, exist_ok=True)
        os.makedirs(self.path("prosody"), exist_ok=True)
        os.chmod(self.path("prosody"), 0o755)
        self.prosody = Prosody(self.path("prosody"), **self.prosody_settings).start()
        if self.through_proxy:
            self.proxy = await Proxy(self.prosody.port).start()
        self.focus = await Focus(self.settings_of_focus()).start()
        self.focus.log = self._focus_log()
        self.control = await Control(self.focus, self.control_port).start()
        await self.start_meeting()

    def settings_of_focus(self, **more):
        names = self.prosody.names
        return Settings(**{"host": "127.0.0.1", "port": self.prosody.port, "domain": names.auth,
                           "password": self.prosody.passwords["focus"],
                           "brewery": names.brewery, **self.focus_settings, **more})

    def _focus_log(self):
        file = open(self.path("focus.log"), "a", buffering=1)

        def write(text):
            file.write(f"{time.strftime('%H:%M:%S')}.{int(time.time() * 1000) % 1000:03} {text}\n")
            self.log(text)
        return write

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def program(self, name):
        path = os.path.join(self.build, name)
        if not os.path.exists(path):
            raise Failed(f"{path} is not built")
        return path

    async def start_meeting(self):
        names = self.prosody.names
        with open(self.path("call-password"), "w") as out:
            os.chmod(out.fileno(), 0o600)
            out.write(self.prosody.passwords["recorder"])
        with open(self.path("meeting.log"), "ab") as log:
            self.meeting = subprocess.Popen(
                [self.program("telerec-demo-meeting"), "--until-eof", "--port",
                 str(self.meeting_port), "--domain", names.conference, "--focus",
                 self.control.url, "--call-login",
                 f"recorder@{names.hidden}:{self.path('call-password')}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
        Rig.started.append(self.meeting)
        line = await asyncio.to_thread(self.meeting.stdout.readline)
        if not line:
            raise Failed("the demo meeting did not start")
        self.base_url = "/".join(line.decode().strip().split("/")[:3])

    @staticmethod
    def free_ports(count):
        return free_ports(count)

    def room(self, name):
        return f"{name}@{self.prosody.names.conference}"

    # The node

    def environment(self, **more):
        """One entry of `environments`, without passwords."""
        names = self.prosody.names
        port = self.proxy.port if self.proxy else self.prosody.port
        return merge({
            "name": "test", "servers": [f"127.0.0.1:{port}"], "xmpp_domain": names.domain,
            "base_url": self.base_url, "strip": names.strip,
            "control": {"domain": names.auth, "username": "jibri"},
            "brewery": {"domain": names.internal, "room": names.brewery_room,
                        "nickname": "telerec"},
            "call": {"domain": names.hidden, "username": "recorder"},
            "focus_jid": f"focus@{names.auth}", "ca_file": self.prosody.path("ca.crt"),
        }, more)

    def settings(self):
        settings = {
            "id": "telerec-test", "recordings": self.recordings, "slots": self.slots,
            "processes": "own", "log_level": "debug",
            "video": {"size": "640x360", "frame_rate": 15},
            "jibri_http": {"external_port": 0, "internal_port": 0},
            "api": {"socket": self.path("control.sock")},
            "checks": {"join_timeout": "12s", "empty_timeout": "8s", "no_media_timeout": "8s",
                       "all_muted_timeout": "8s", "ice_timeout": "8s", "start_timeout": "40s"},
        }
        merge(settings, self.more_settings)
        settings.setdefault("environments", [self.environment()])
        return settings

    def write_settings(self, name="telerec"):
        settings = self.settings()
        passwords = []
        for environment in settings["environments"]:
            entry = {"name": environment["name"]}
            for group in ("control", "call"):
                entry[group] = {"password": environment[group].pop(
                    "password", self.prosody.passwords.get(environment[group]["username"], "none"))}
            passwords.append(entry)
        folder = self.path(name)
        os.makedirs(folder, exist_ok=True)
        write_settings(os.path.join(folder, "secrets.conf"), {"environments": passwords}, 0o600)
        write_settings(os.path.join(folder, "telerec.conf"), settings)
        return os.path.join(folder, "telerec.conf")

    def start_telerecd_now(self, name="telerec", environ=None):
        """Starts one and returns its process; who calls it ends it with stop_process()."""
        path = self.write_settings(name)
        with open(self.path(f"{name}.log"), "ab") as log:
            process = subprocess.Popen(
                [self.program("telerecd"), "--config", path], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, env=environ)
        Rig.started.append(process)
        return process

    async def start_telerecd(self, name="telerec", environ=None):
        self.telerecd = self.start_telerecd_now(name, environ)
        return self.telerecd

    async def stop_process(self, process, sign=signal.SIGTERM, timeout=60):
        """Its exit code. Killed, with Failed, when it does not end in time."""
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(sign)
        try:
            return await asyncio.to_thread(process.wait, timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(
                f"{process.args[0]} did not end within {timeout * PATIENCE} s") from None

    def log_text(self, name="telerec"):
        try:
            with open(self.path(f"{name}.log"), errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def warn_words(self, name="telerec", count=25):
        return "\n".join(self.log_text(name).splitlines()[-count:])

    @staticmethod
    def stop_child(session_id=None):
        """What Jicofo sends to stop; for Focus.raw()."""
        return Node("jibri", JIBRI, {"action": "stop", "session_id": session_id})

    # What it leaves

    def session_folder(self, session_id):
        return os.path.join(self.recordings, session_id)

    def movies(self, session_id):
        folder = self.session_folder(session_id)
        try:
            return sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".mp4")
                          and ".part-" not in n)
        except OSError:
            return []

    async def wait_finished(self, session_id, timeout=60):
        """The finished movie, with metadata and report beside it."""
        folder = self.session_folder(session_id)
        timeout *= PATIENCE
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            movies = self.movies(session_id)
            if len(movies) == 1 and all(os.path.exists(os.path.join(folder, n)) for n in (
                    "metadata.json", "report.json")):
                return movies[0]
            await asyncio.sleep(0.2)
        found = sorted(os.listdir(folder)) if os.path.isdir(folder) else "no folder"
        raise Failed(f"session {session_id} is not finished after {timeout} s: {found}")

    # The end

    async def __aexit__(self, *_):
        words = []
        Rig.alive -= 1
        for what in (self._end_telerecd, self._end_doubles, self._end_children):
            try:
                await what()
            except Exception as error:      # everything else is to be ended all the same
                words.append(f"{error}")
        if not self.given_folder and not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        if words and not sys.exc_info()[0]:
            raise Failed("; ".join(words))

    async def _end_telerecd(self):
        if self.telerecd:
            await self.stop_process(self.telerecd)

    async def _end_doubles(self):
        if self.control:
            await self.control.stop()
        if self.focus:
            await self.focus.stop()
        if self.proxy:
            await self.proxy.stop()
        if self.prosody:
            self.prosody.stop()
        if self.meeting:
            self.meeting.stdin.close()
            await self.stop_process(self.meeting)

    async def _end_children(self):
        """What is still there was left running by the node: nobody else starts processes. Nobody
        can tell whose orphans they are, so it is the last rig's to look."""
        if Rig.alive > 0:
            return
        end = time.monotonic() + 5 * PATIENCE
        while (left := self.left_running()) and time.monotonic() < end:
            await asyncio.sleep(0.1)
        for pid, _ in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        if left:
            raise Failed("left running: " + "; ".join(f"{p} {w[:120]}" for p, w in left))

    def left_running(self):
        """Processes that nobody started by a Rig is above: orphans come to us."""
        known = set()
        for process in Rig.started + Prosody.running:
            if process.poll() is None:
                known |= {process.pid} | {pid for pid, _ in descendants(process.pid)}
        left = [(p, w) for p, w in descendants() if p not in known]
        for pid, _ in left:
            try:
                os.waitpid(pid, os.WNOHANG)
            except OSError:
                pass
        return [(p, w) for p, w in left if w]


# Looking at recordings

def probe(movie):
    text = subprocess.run(["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json",
                           movie], check=True, capture_output=True, text=True).stdout
    return json.loads(text)


def seconds_of(movie):
    return float(probe(movie)["format"]["duration"])


def decode_faults(movie, *options):
    """What ffmpeg says when it decodes everything: "" is good. The time base is exact, for of a
    short recording it guesses a rate, and warns of pictures that are too near for it."""
    run = subprocess.run(["ffmpeg", "-nostdin", "-v", "warning", "-xerror", "-i", movie, *options,
                          "-enc_time_base", "1:90000", "-f", "null", "-"], capture_output=True,
                         text=True)
    return run.stderr.strip() or ("" if run.returncode == 0 else f"exit code {run.returncode}")


def sound_of(movie, rate=16000, start=0, seconds=None):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-ss", str(start), "-i", movie, "-vn", "-ac",
               "1", "-ar", str(rate)]
    command += ["-t", str(seconds)] if seconds else []
    data = subprocess.run(command + ["-f", "s16le", "-"], check=True, capture_output=True).stdout
    samples = array.array("h")
    samples.frombytes(data[:len(data) // 2 * 2])
    return samples


def tone_levels(samples, frequency, rate=16000):
    """A tone in each quarter of a second, in dB full scale: Goertzel over a Hann window."""
    size = rate // 4
    window = [0.5 - 0.5 * math.cos(2 * math.pi * i / size) for i in range(size)]
    factor = 2 * math.cos(2 * math.pi * frequency / rate)
    levels = []
    for first in range(0, len(samples) - size + 1, size):
        a = b = 0.0
        for i in range(size):
            a, b = samples[first + i] * window[i] + factor * a - b, a
        power = a * a + b * b - factor * a * b
        amplitude = 4 * math.sqrt(max(power, 0)) / size / 32768
        levels.append(20 * math.log10(amplitude) if amplitude > 1e-8 else -160.0)
    return levels


# Tests as programs

def run(main):
    """Runs `main()`; 77 with a line when something is missing, 1 with a sentence for a failure."""
    try:
        asyncio.run(main())
    except Unavailable as reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    except (Failed, TimeoutError) as error:
        if not str(error):
            traceback.print_exc(file=sys.stdout)
        print(f"FAILED: {error}")
        sys.exit(1)


def build_folder():
    folder = os.environ.get("TR_BUILD_DIR")
    if not folder:
        raise Failed("run by ctest, or set TR_BUILD_DIR to the build folder")
    return folder


def slot_user():
    try:
        return pwd.getpwnam("telerec").pw_uid
    except KeyError:
        return SLOT_UID
