"""`telerec doctor` against broken set-ups, each built with a real Prosody, Jicofo's double, the demo
meeting's page and the real browser. The first failure that it names must be the fault that was
built in, with a cure. Prints a table: set-up, the finding's sentence, the cure's first line.

    doctor.py [WORD ...]: only set-ups with one of the words in their name
"""

import asyncio
import copy
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers", "focus"))
from focus import PATIENCE, Focus, Settings                                  # noqa: E402
from interop_brewery import Watcher                                          # noqa: E402
from prosody import Prosody, free_ports                                      # noqa: E402
from rig import (Failed, build_folder, merge, need, run, write_settings)     # noqa: E402
from visitor import find_chromium                                            # noqa: E402

BROWSERS_AT_ONCE = 2
DOCTORS_AT_ONCE = 5
TURNS = 3


@dataclass
class Setup:
    name: str
    cause: str                                   # "" for one that is well; "one|other"
    environment: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    passwords: dict = field(default_factory=dict)
    secrets: dict = field(default_factory=dict)
    room: str = ""                               # joined with the real browser
    has_browser: bool = False
    spoil: object = None                         # called with the folder
    before: tuple = ()                           # words before the command
    path: str = ""                               # PATH of the doctor
    status: str = "failure"


# Doors that are shut, and pages that are not as they should be


class BlackHole:
    """A host that takes no packet: its queue of connections is full."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.callers = []
        for _ in range(8):
            caller = socket.socket()
            caller.setblocking(False)
            try:
                caller.connect(("127.0.0.1", self.port))
            except BlockingIOError:
                pass
            self.callers.append(caller)

    def close(self):
        for each in [*self.callers, self.listener]:
            each.close()


class Silence:
    """Takes connections and says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def close(self):
        self.listener.close()


class Site:
    """A web server on a free port: answers with the status, a clock that is off, a config.js."""

    def __init__(self, status=200, ahead_s=0, config_js=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                is_config = self.path == "/config.js"
                body = (config_js or "<html>") if is_config else "<html><p>A page</html>"
                self.send_response(404 if is_config and not config_js else status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def date_time_string(self, timestamp=None):
                return super().date_time_string(time.time() + ahead_s)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


# Certificates with a fault, one virtual host each


def make_certificates(folder, names):
    """{kind: (key, certificate)}; none of them is signed by the rig's authority but `other`."""
    def call(*words):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       cwd=folder)
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    call("openssl", "req", "-x509", *new_key, "-days", "30", "-keyout", "self.key", "-out",
         "self.crt", "-subj", f"/CN=self.{names.domain}", "-addext",
         f"subjectAltName=DNS:self.{names.domain}")
    for kind, name in (("expired", f"expired.{names.domain}"), ("other", "another.name.test")):
        call("openssl", "req", *new_key, "-keyout", f"{kind}.key", "-out", f"{kind}.csr", "-subj",
             f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    with open(os.path.join(folder, "ca.cnf"), "w") as out:
        out.write("[ca]\ndefault_ca = a\n[a]\ndatabase = index\nserial = serial\n"
                  "new_certs_dir = .\ndefault_md = sha256\npolicy = p\ncopy_extensions = copy\n"
                  "unique_subject = no\n[p]\ncommonName = supplied\n")
    for name, text in (("index", ""), ("serial", "01\n")):
        with open(os.path.join(folder, name), "w") as out:
            out.write(text)
    dates = {"expired": ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"],
             "other": ["-days", "30"]}
    for kind, words in dates.items():
        call("openssl", "ca", "-batch", "-config", "ca.cnf", "-cert", "ca.crt", "-keyfile",
             "ca.key", "-in", f"{kind}.csr", "-out", f"{kind}.crt", "-notext", *words)


def host_with(folder, host, kind):
    return (f'\nVirtualHost "{host}"\n\tauthentication = "internal_hashed"\n'
            f'\tssl = {{ key = "{folder}/{kind}.key", certificate = "{folder}/{kind}.crt" }}\n')


class World:
    async def __aenter__(self):
        need("prosody", "openssl", "Xvfb", "unshare")
        find_chromium()
        self.build = build_folder()
        self.folder = tempfile.mkdtemp(prefix="telerec-doctor.")
        os.chmod(self.folder, 0o755)
        self.closed_port = free_ports(1)[0]
        self.doors, self.people = [], []
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _start(self):
        names = Prosody(self._folder("names")).names
        bad = "".join(host_with(self._folder("prosody"), f"{kind}.{names.domain}", kind)
                      for kind in ("self", "expired", "other"))
        self.prosody = Prosody(self._folder("prosody"), more=bad)
        self.names = names
        make_certificates(self.prosody.folder, names)
        if not os.geteuid():
            for kind in ("self", "expired", "other"):
                os.chmod(self.prosody.path(f"{kind}.key"), 0o644)
        self.prosody.start()
        self.bare = Prosody(self._folder("bare"), has_tls=False).start()
        self.lonely = Prosody(self._folder("lonely")).start()
        self.focus = await Focus(Settings(
            host="127.0.0.1", port=self.prosody.port, domain=names.auth,
            password=self.prosody.passwords["focus"], brewery=names.brewery)).start()
        rig = SimpleNamespace(prosody=self.prosody)
        for user, nick in (("other", "taken"), ("jibri", "twin")):
            self.people.append(await Watcher(rig, names.brewery, nick, user).start())
        locked = f"{names.brewery_room.lower()}@locking.{names.auth}"
        self.people.append(await Watcher(rig, locked, "maker", "other").start())
        self._start_meeting()
        os.makedirs(self.path("recordings"))
        os.chmod(self.path("recordings"), 0o777)

    def _folder(self, name):
        os.makedirs(self.path(name), exist_ok=True)
        os.chmod(self.path(name), 0o755)
        return self.path(name)

    def _start_meeting(self):
        with open(self.path("call-password"), "w") as out:
            os.chmod(out.fileno(), 0o600)
            out.write(self.prosody.passwords["recorder"])
        self.meeting = subprocess.Popen(
            [os.path.join(self.build, "telerec-demo-meeting"), "--until-eof", "--domain",
             self.names.conference, "--call-login",
             f"recorder@{self.names.hidden}:{self.path('call-password')}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.meeting.stdout.readline().decode()
        if not line:
            raise Failed("the demo meeting did not start")
        self.base_url = "/".join(line.strip().split("/")[:3])

    async def __aexit__(self, *_):
        for person in self.people:
            await person.client.close()
        if hasattr(self, "focus"):
            await self.focus.stop()
        for name in ("prosody", "bare", "lonely"):
            if hasattr(self, name):
                getattr(self, name).stop()
        for door in self.doors:
            door.close()
        if hasattr(self, "meeting"):
            self.meeting.stdin.close()
            self.meeting.wait(20 * PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def door(self, door):
        self.doors.append(door)
        return door

    def environment(self):
        n = self.names
        return {
            "name": "test", "servers": [f"127.0.0.1:{self.prosody.port}"], "xmpp_domain": n.domain,
            "base_url": self.base_url, "strip": n.strip,
            "control": {"domain": n.auth, "username": "jibri"},
            "brewery": {"domain": n.internal, "room": n.brewery_room, "nickname": "telerec"},
            "call": {"domain": n.hidden, "username": "recorder"},
            "ca_file": self.prosody.path("ca.crt"),
        }

    def write(self, setup):
        """Its own telerec.conf and secrets.conf: the path."""
        folder = self._folder("setup-" + re.sub(r"\W+", "-", setup.name))
        settings = {
            "id": "telerec-test", "recordings": self.path("recordings"), "slots": 1,
            "processes": "own", "video": {"size": "640x360", "frame_rate": 15},
            "sound": {"source": "plugin"},
            "checks": {"join_timeout": "60s"}, "api": {"socket": os.path.join(folder, "socket")},
            "jibri_http": {"external_port": "off", "internal_port": "off"},
            "environments": [merge(self.environment(), copy.deepcopy(setup.environment))],
        }
        merge(settings, copy.deepcopy(setup.settings))
        passwords = {"control": self.prosody.passwords["jibri"],
                     "call": self.prosody.passwords["recorder"], **setup.passwords}
        secrets = {"environments": [{"name": "test", **{
            k: {"password": v} for k, v in passwords.items()}}], **setup.secrets}
        write_settings(os.path.join(folder, "secrets.conf"), secrets, 0o600)
        write_settings(os.path.join(folder, "telerec.conf"), settings)
        if setup.spoil:
            setup.spoil(folder)
        return os.path.join(folder, "telerec.conf")

    async def ask(self, setup, *options, as_json=True):
        """(exit code, output, seconds) of the doctor."""
        words = [*setup.before, os.path.join(self.build, "telerec"), "doctor", "--config",
                 self.write(setup), *options]
        words += ["--json"] if as_json else []
        words += ["--room", setup.room] if setup.room else []
        words += [] if setup.room or setup.has_browser else ["--quick"]
        environ = dict(os.environ)
        if setup.path:
            environ["PATH"] = setup.path
        began = time.monotonic()
        done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True,
                                       timeout=300, env=environ, stdin=subprocess.DEVNULL)
        for password in self.prosody.passwords.values():
            if password in done.stdout + done.stderr:
                raise Failed(f"{setup.name}: a password is shown")
        return done, time.monotonic() - began


# The set-ups


def in_tmpfs(folder, script=":", options=""):
    """Words before a command: a small file system of its own at the folder."""
    rights = ["-m"] if not os.geteuid() else ["-rm"]
    return ("unshare", *rights, "sh", "-ec",
            f'mount -t tmpfs -o size=16m,mode=777{options} none "{folder}"; {script}; exec "$@"',
            "sh")


def setups(w):
    n, at = w.names, "127.0.0.1:{}".format
    hole, silence = w.door(BlackHole()), w.door(Silence())
    missing, wrong_time = w.door(Site(404)), w.door(Site(ahead_s=3600))
    other_hidden = w.door(Site(config_js="var config = { hosts: {},\n// hiddenDomain: 'no',\n"
                                         "hiddenDomain: 'hidden.elsewhere.test' };"))
    small = w._folder("small")
    script = w.path("finalize.sh")
    with open(script, "w") as out:
        out.write("#!/bin/sh\n")
    odd_script = w.path("odd.sh")
    with open(odd_script, "w") as out:
        out.write("#!/usr/bin/no-such-program\n")
        os.chmod(out.fileno(), 0o755)
    dead = f"http://127.0.0.1:{w.closed_port}"

    def environment(name, cause, **more):
        return Setup(name, cause, environment=more)

    def settings(name, cause, **more):
        return Setup(name, cause, settings=more)

    def room(name, cause, word):
        return Setup(name, cause, room=word)

    def open_secrets(folder):
        os.chmod(os.path.join(folder, "secrets.conf"), 0o644)

    def add_key(folder):
        with open(os.path.join(folder, "telerec.conf"), "a") as out:
            out.write('recordigns = "/tmp";\n')

    def lose(folder):
        os.unlink(os.path.join(folder, "telerec.conf"))

    loopback = [] if os.path.exists("/sys/module/snd_aloop") else [
        settings("no sound (no snd-aloop)", "no-snd-aloop|snd-aloop-not-installed|"
                 "snd-aloop-blocked|snd-aloop-not-loaded", sound={"source": "loopback"})]
    return loopback + [
        Setup("all is well", "", room="tone440-people2"),
        Setup("well, and nobody else there", "", room="people0"),
        environment("well, by direct TLS", "", security="tls",
                    servers=[at(w.prosody.tls_port)]),
        environment("well, by fingerprint", "", ca_file="", fingerprint=w.prosody.fingerprint()),
        Setup("any certificate is taken", "tls-trust-all", status="warning",
              environment={"ca_file": "", "trust_all_certificates": True}),
        environment("wrong MUC domain", "no-muc", brewery={"domain": "internal.wrong.test"}),
        environment("wrong vhost", "wrong-domain", control={"domain": "auth.wrong.test"}),
        environment("closed port", "port-closed", servers=[at(w.closed_port)]),
        environment("host is silent", "port-silent", servers=[at(hole.port)]),
        environment("port says nothing", "port-silent", servers=[at(silence.port)]),
        environment("port of the web server", "not-xmpp", servers=[at(missing.port)]),
        environment("no DNS", "no-dns", servers=["jitsi.nowhere.invalid"]),
        environment("private authority", "tls-untrusted", ca_file=""),
        environment("self-signed", "tls-self-signed", control={"domain": f"self.{n.domain}"}),
        environment("expired", "tls-expired", control={"domain": f"expired.{n.domain}"}),
        environment("name mismatch", "tls-name", control={"domain": f"other.{n.domain}"}),
        environment("other fingerprint", "tls-fingerprint", fingerprint="AB:" * 31 + "AB"),
        environment("no STARTTLS", "no-starttls", servers=[at(w.bare.port)]),
        Setup("wrong control password", "wrong-password", passwords={"control": "mistaken"}),
        Setup("wrong call password", "wrong-password", passwords={"call": "mistaken"}),
        environment("brewery typo", "brewery-name", brewery={"room": "jibribrewrey"}),
        environment("restricted creation", "creation-restricted",
                    brewery={"domain": f"restricted.{n.auth}"}),
        environment("joins are dropped", "brewery-silent",
                    brewery={"domain": f"filtered.{n.auth}"}),
        environment("locked room", "room-locked", brewery={"domain": f"locking.{n.auth}"}),
        Setup("nick taken", "nick-taken", status="warning",
              environment={"brewery": {"nickname": "taken"}}),
        Setup("nick of a twin", "nick-taken", status="warning",
              environment={"brewery": {"nickname": "twin"}}),
        Setup("focus absent", "no-focus", environment={
            "servers": [at(w.lonely.port)], "ca_file": w.lonely.path("ca.crt")},
            passwords={"control": w.lonely.passwords["jibri"],
                       "call": w.lonely.passwords["recorder"]}),
        environment("other focus_jid", "wrong-focus", focus_jid=f"jicofo@{n.auth}"),
        environment("wrong strip", "wrong-strip", strip="muc."),
        environment("hidden domain missing", "no-hidden-domain",
                    call={"domain": "recorder.wrong.test"}),
        Setup("page hides another domain", "hidden-domain-web", status="warning",
              environment={"base_url": other_hidden.url}),
        environment("clock off by an hour", "clock", base_url=wrong_time.url),
        environment("page 404", "page-404", base_url=missing.url),
        environment("page down", "page-down", base_url=dead),
        environment("page without DNS", "page-no-dns", base_url="http://meet.nowhere.invalid"),
        Setup("lobby", "lobby", room="lobby-1", settings={"checks": {"join_timeout": "12s"}}),
        Setup("room password", "room-password", room="room-password-1",
              settings={"checks": {"join_timeout": "12s"}}),
        Setup("never joins", "never-joined", room="never-joins-1",
              settings={"checks": {"join_timeout": "5s"}}),
        room("ICE blocked", "ice-blocked", "ice-fails.0-1"),
        Setup("no sound (dead device)", "no-sound", has_browser=True, settings={
            "sound": {"source": "pcm", "capture_pcm": "hw:29", "player_pcm": "hw:29"}}),
        Setup("no X", "no-x", path="/nonexistent"),
        settings("no browser", "no-browser", browser={"path": "/nonexistent/chromium"}),
        Setup("no disk space", "no-space", settings={"recordings": small},
              before=in_tmpfs(small, f'head -c 15m /dev/zero >"{small}/full"')),
        Setup("unwritable directory", "unwritable", settings={"recordings": small},
              before=in_tmpfs(small, options=",ro")),
        settings("recordings missing", "no-folder", recordings=w.path("nowhere", "recordings")),
        settings("page's host not allowed", "host-not-allowed",
                 browser={"allowed_hosts": ["*.elsewhere.test"]}),
        settings("certificate file missing", "unreadable-file",
                 stream={"ca_file": w.path("nowhere.crt")}),
        settings("finalize missing", "finalize-missing",
                 finalize={"script": w.path("nowhere.sh")}),
        settings("finalize not executable", "finalize-not-executable",
                 finalize={"script": script}),
        settings("finalize without interpreter", "finalize-interpreter",
                 finalize={"script": odd_script}),
        Setup("secrets readable by all", "secrets-open", spoil=open_secrets),
        Setup("RTMP target refused", "stream-refused", settings={"rooms": [{"match": "a@.*"}]},
              secrets={"rooms": [{"match": "a@.*", "streams": [
                  f"rtmp://127.0.0.1:{w.closed_port}/live/stream-key"]}]}),
        settings("webhook refused", "webhook-refused", webhooks={"subscribers": [dead]}),
        Setup("unknown config key", "unknown-key", spoil=add_key),
        Setup("no configuration", "no-config", spoil=lose),
    ]


def first_finding(findings):
    """The first failure; without one the first warning."""
    for status in ("failure", "warning"):
        for each in findings:
            if each["status"] == status:
                return each
    return None


def check_finding(setup, done, findings):
    """What is wrong with the doctor's answer, or None; and the finding for the table."""
    first = first_finding(findings)
    wanted = {"": 0, "warning": 1, "failure": 3}[setup.status if setup.cause else ""]
    words = json.dumps(first, indent=1) if first else "nothing"
    if done.returncode != wanted:
        return f"exit code {done.returncode} instead of {wanted}: {words}{done.stderr}", first
    if not setup.cause:
        return None, first
    if first["cause"] not in setup.cause.split("|") or first["status"] != setup.status:
        return f"it names {words} first, not {setup.cause}", first
    if not first["cure"] or not first["cure"]["text"]:
        return "there is no cure", first
    if setup.status == "failure" and not first["meaning"]:
        return "it does not say what it means", first
    return None, first


async def try_one(w, setup, gates):
    is_heavy = setup.room or setup.has_browser
    # Where the machine stood still, a server that is well was silent for too long.
    for _ in range(TURNS):
        async with gates[bool(is_heavy)]:
            done, took = await w.ask(setup)
        if "stream-key" in done.stdout:
            return setup, "a stream key is shown", None, took
        try:
            findings = json.loads(done.stdout)
        except ValueError:
            return setup, f"no JSON: {done.stdout[:200]}{done.stderr}", None, took
        fault, first = check_finding(setup, done, findings)
        if not fault:
            break
        print(f"{setup.name}: {fault}", flush=True)
    return setup, fault, first, took


async def check_fix(w):
    """What is local and safe is put right, and said. One area at a time: the machine's own, which
    --fix changes for root, is left as it is."""
    folder, script = w.path("fixed", "recordings"), w.path("fix.sh")
    secrets = w.path("setup-fixed", "secrets.conf")
    with open(script, "w") as out:
        out.write("#!/bin/sh\n")

    def spoil(where):
        os.chmod(os.path.join(where, "secrets.conf"), 0o644)
    for area, is_right in (
            ("config", lambda: not os.stat(secrets).st_mode & 0o007),
            ("disk", lambda: os.path.isdir(folder)),
            ("finalize", lambda: os.stat(script).st_mode & 0o111)):
        setup = Setup("fixed", "", spoil=spoil,
                      settings={"recordings": folder, "finalize": {"script": script}})
        done, _ = await w.ask(setup, "--fix", "--only", area, as_json=False)
        if done.returncode != 0 or done.stdout.count("fixed: ") != 1 or not is_right():
            raise Failed(f"--fix of {area}: exit code {done.returncode}: {done.stdout}"
                         f"{done.stderr}")


class Node:
    """A telerecd that records while the doctor looks at its set-up."""

    def __init__(self, w):
        self.w = w
        self.room = f"tone660-people2@{w.names.conference}"
        self.setup = Setup("beside a recording", "", has_browser=True, environment={
            "brewery": {"nickname": "busy-node"}})

    async def start(self):
        path = self.w.write(self.setup)
        self.log = open(os.path.join(os.path.dirname(path), "log"), "wb")
        self.process = subprocess.Popen(
            [os.path.join(self.w.build, "telerecd"), "--config", path], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, start_new_session=True)
        await self.w.focus.wait_idle(1, 60)
        answer = await self.w.focus.client_start(self.room)
        if not answer.ok:
            raise Failed(f"the recording was refused: {answer}")
        await self.wait_on()

    async def wait_on(self):
        await self.w.focus.wait(
            lambda: self.w.focus.state(self.room) != "pending", 40, "the recording")
        if self.w.focus.state(self.room) != "on":
            raise Failed(f"the recording is {self.w.focus.state(self.room)}")

    async def stop(self):
        if hasattr(self, "process") and self.process.poll() is None:
            self.process.terminate()
            await asyncio.to_thread(self.process.wait, 60 * PATIENCE)
        self.log.close()


async def check_beside(w, gate):
    """A node that records is not disturbed, and the doctor knows it for its own."""
    node = Node(w)
    async with gate:
        try:
            await node.start()
            recorder = next(iter(w.focus.recorders.values()))
            before = len(recorder.history)
            done, _ = await w.ask(node.setup)
            findings = json.loads(done.stdout)
            told = [f["sentence"] for f in findings if f["area"] in ("node", "brewery")]
            if done.returncode != 0:
                raise Failed(f"beside a recording: {first_finding(findings)}")
            if not any("runs here" in t for t in told) or \
                    not any('"busy-node" is in' in t for t in told):
                raise Failed(f"beside a recording it does not know its node: {told}")
            if w.focus.state(node.room) != "on" or any(
                    busy != "busy" for _, busy, _ in recorder.history[before:]):
                raise Failed(f"the recording was disturbed: {recorder.history[before:]}")
            if not (await w.focus.client_stop(node.room)).ok:
                raise Failed("the recording cannot be stopped afterwards")
            if w.focus.violations:
                raise Failed(f"Jicofo would complain: {w.focus.violations}")
        finally:
            await node.stop()


async def check_traces(w):
    """Nobody of the doctor's is still in the control room, and the folder is empty."""
    nicks = [nick for person in w.people for nick in person.there]
    left = [nick for nick in nicks if nick.startswith("telerec-check")]
    if left:
        raise Failed(f"still in the room: {left}")
    strange = [n for n in os.listdir(w.path("recordings")) if "check" in n or n.startswith(".")]
    if strange:
        raise Failed(f"left in the recordings: {strange}")


def print_table(rows):
    print("\nset-up | the first finding | the cure's first line")
    for setup, fault, first, _ in rows:
        cure = (first or {}).get("cure") or {}
        line = (cure.get("text") or "").split("\n")[0]
        where = cure.get("file") or cure.get("where") or ""
        print(f"{setup.name} | {first['sentence'] if first else 'nothing is wrong'} | "
              f"{where + ': ' if where else ''}{line}")


async def main():
    words = sys.argv[1:]
    async with World() as w:
        gates = {True: asyncio.Semaphore(BROWSERS_AT_ONCE),
                 False: asyncio.Semaphore(DOCTORS_AT_ONCE)}
        chosen = [s for s in setups(w) if not words or any(word in s.name for word in words)]
        others = [] if words else [check_beside(w, gates[True]), check_fix(w)]
        rows = await asyncio.gather(*others, *(try_one(w, setup, gates) for setup in chosen))
        rows = rows[len(others):]
        if not words:
            await check_traces(w)
    print_table(rows)
    faults = [f"{setup.name}: {fault}" for setup, fault, _, _ in rows if fault]
    slowest = max(rows, key=lambda row: row[3])
    print(f"\n{len(rows)} set-ups, {len(faults)} told wrongly; the slowest took "
          f"{slowest[3]:.1f} s ({slowest[0].name})")
    if faults:
        raise Failed("\n".join(faults))


if __name__ == "__main__":
    began = time.monotonic()
    run(main)
    print(f"{time.monotonic() - began:.0f} s")
