"""A real Prosody for tests, on loopback and free ports, in a folder of its own.

Two flavours, after the configurations that deployments have:
  debian: as the Debian packages of Jitsi Meet make it (internal.auth.…, recorder.…, JibriBrewery)
  docker: as docker-jitsi-meet makes it (internal-muc.meet.jitsi with an access filter, hidden
          domain, stream management, the recorder's account among the admins)

Besides the brewery's component there is one for each oddity that a recorder must live with: rooms
that are locked, rooms that only admins may create, a filter that leaves joins unanswered.
"""

import hashlib
import hmac
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import ClassVar

HERE = os.path.dirname(os.path.abspath(__file__))
NOBODY = 65534
ITERATIONS = 4096


class Unavailable(Exception):
    """A program that is needed is not installed."""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@dataclass
class Names:
    """What the two flavours call things."""
    domain: str
    auth: str
    conference: str
    internal: str
    hidden: str
    brewery_room: str
    strip: str

    @property
    def brewery(self):
        return f"{self.brewery_room.lower()}@{self.internal}"


FLAVOURS = {
    "debian": Names("meet.test", "auth.meet.test", "conference.meet.test",
                    "internal.auth.meet.test", "recorder.meet.test", "JibriBrewery", "conference."),
    "docker": Names("meet.jitsi", "auth.meet.jitsi", "muc.meet.jitsi",
                    "internal-muc.meet.jitsi", "hidden.meet.jitsi", "jibribrewery", "muc."),
}

GLOBAL = """
daemonize = false
run_as_root = true
data_path = "{folder}/data"
pidfile = "{folder}/prosody.pid"
log = {{ {level} = "{folder}/prosody.log" }}
plugin_paths = {{ "{folder}/modules" }}
storage = "internal"
interfaces = {{ "127.0.0.1", "::1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ {tls_port} }}
c2s_require_encryption = {encryption}
allow_unencrypted_plain_auth = {plain}
modules_enabled = {{ {modules} }}
certificates = "{folder}"
modules_disabled = {{ "s2s", "s2s_auth_certs", "offline" }}
ssl = {{ key = "{folder}/server.key", certificate = "{folder}/server.crt" }}
authentication = "internal_hashed"
smacks_hibernation_time = {hibernation}
{limits}
"""

HOSTS = """
VirtualHost "{n.domain}"
	authentication = "anonymous"

VirtualHost "{n.auth}"
	authentication = "internal_hashed"

VirtualHost "{n.hidden}"
	authentication = "internal_hashed"

Component "{n.conference}" "muc"
	storage = "memory"
	muc_room_locking = false
	muc_room_default_public_jids = true

Component "{n.internal}" "muc"
	storage = "memory"
	modules_enabled = {{ {internal_modules} }}
	muc_filter_whitelist = {{ "{n.auth}" }}
	admins = {{ {admins} }}
	muc_room_locking = false
	muc_room_default_public_jids = true

Component "locking.{n.auth}" "muc"
	storage = "memory"
	muc_room_locking = true
	muc_room_default_public_jids = true

Component "restricted.{n.auth}" "muc"
	storage = "memory"
	admins = {{ "focus@{n.auth}" }}
	restrict_room_creation = true
	muc_room_locking = false
	muc_room_default_public_jids = true

Component "filtered.{n.auth}" "muc"
	storage = "memory"
	modules_enabled = {{ "muc_filter_access" }}
	muc_filter_whitelist = {{ "elsewhere.test" }}

Component "open.{n.auth}" "muc"
	storage = "memory"
	modules_enabled = {{ "test_forget" }}
	admins = {{ "focus@{n.auth}" }}
	muc_room_locking = false
	muc_room_default_public_jids = true
"""


@dataclass
class Prosody:
    folder: str
    flavour: str = "debian"
    passwords: dict = field(default_factory=dict)  # user -> password, for the fixed accounts
    has_tls: bool = True       # offers STARTTLS at all
    has_smacks: bool = True
    hibernation_s: int = 15
    limits: str = ""           # lines of configuration
    level: str = "info"
    more: str = ""             # further hosts
    extra_hosts: tuple = ()    # their names, for the certificate
    running: ClassVar[list] = []

    def __post_init__(self):
        self.names = FLAVOURS[self.flavour]
        self.binary = shutil.which("prosody")
        if not self.binary:
            raise Unavailable("prosody is not installed")
        if not shutil.which("openssl"):
            raise Unavailable("openssl is not installed")
        self.port, self.tls_port = free_ports(2)
        self.process = None
        for user in ("focus", "jibri", "recorder", "other"):
            self.passwords.setdefault(user, secrets.token_hex(12))
        self.identity = {} if os.geteuid() else {
            "user": NOBODY, "group": NOBODY, "extra_groups": []}
        os.makedirs(os.path.join(self.folder, "data"), exist_ok=True)
        # Prosody may not be allowed to look into the folder that this file is in.
        shutil.copytree(os.path.join(HERE, "modules"), self.path("modules"), dirs_exist_ok=True)
        self.write_certificates()
        for user, host in (("focus", self.names.auth), ("jibri", self.names.auth),
                           ("other", self.names.auth), ("recorder", self.names.hidden)):
            self.write_account(user, host, self.passwords[user])
        self.write_config()

    # What lies in the folder

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run(self, *arguments):
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def write_certificates(self, suffix=""):
        """A certificate authority (ca.crt) and the server's certificate for all its names."""
        n = self.names
        names = [n.domain, n.auth, n.conference, n.internal, n.hidden, *self.extra_hosts]
        ca, server = self.path("ca"), self.path("server" + suffix)
        if not os.path.exists(ca + ".crt"):
            self.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-keyout",
                     ca + ".key", "-out", ca + ".crt", "-subj", "/CN=telerec test authority")
        self.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                 "-nodes", "-keyout", server + ".key", "-out", server + ".csr",
                 "-subj", f"/CN={n.auth}")
        with open(server + ".ext", "w") as out:
            out.write("subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n")
        self.run("openssl", "x509", "-req", "-in", server + ".csr", "-CA", ca + ".crt", "-CAkey",
                 ca + ".key", "-CAcreateserial", "-days", "30", "-extfile", server + ".ext",
                 "-out", server + ".crt")
        os.chmod(server + ".key", 0o644 if not os.geteuid() else 0o600)

    def fingerprint(self, suffix=""):
        text = subprocess.run(
            ["openssl", "x509", "-in", self.path(f"server{suffix}.crt"), "-noout", "-sha256",
             "-fingerprint"], check=True, capture_output=True, text=True).stdout
        return text.strip().split("=", 1)[1]

    def write_account(self, user, host, password):
        """As the server's own commands would. (It also takes a plain password, but hashes that at
        the first log-in, and refuses another one at the same moment.)"""
        folder = self.path("data", "".join(
            c if c.isalnum() or c == "-" else f"%{ord(c):02x}" for c in host), "accounts")
        os.makedirs(folder, exist_ok=True)
        name = "".join(c if c.isalnum() else f"%{ord(c):02x}" for c in user)
        with open(os.path.join(folder, name + ".dat"), "w") as out:
            salt = secrets.token_hex(16)
            salted = hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), ITERATIONS)
            client_key = hmac.digest(salted, b"Client Key", "sha1")
            out.write(f'return {{ ["iteration_count"] = {ITERATIONS}; ["salt"] = "{salt}"; '
                      f'["stored_key"] = "{hashlib.sha1(client_key).hexdigest()}"; '
                      f'["server_key"] = "{hmac.digest(salted, b"Server Key", "sha1").hex()}"; '
                      '};\n')

    def write_config(self):
        n = self.names
        modules = ["disco", "saslauth", "ping", "roster"]
        modules += ["tls"] if self.has_tls else []
        modules += ["smacks"] if self.has_smacks else []
        modules += ["limits"] if self.limits else []
        admins = [f"focus@{n.auth}"]
        if self.flavour == "docker":
            admins.append(f"jibri@{n.auth}")
        internal_modules = ["ping"]
        if self.flavour == "docker":
            internal_modules.append("muc_filter_access")

        def quoted(words):
            return ", ".join(f'"{word}"' for word in words)
        text = GLOBAL.format(
            folder=self.folder, port=self.port, tls_port=self.tls_port, level=self.level,
            encryption="true" if self.has_tls else "false",
            plain="false" if self.has_tls else "true", modules=quoted(modules),
            hibernation=self.hibernation_s, limits=self.limits)
        text += HOSTS.format(n=n, admins=quoted(admins), internal_modules=quoted(internal_modules))
        with open(self.path("prosody.cfg.lua"), "w") as out:
            out.write(text + self.more)

    # Its life

    def start(self, timeout=120):
        if not os.geteuid():
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", self.folder], check=True)
        with open(self.path("prosody.out"), "ab") as out:
            self.process = subprocess.Popen(
                [self.binary, "--config", self.path("prosody.cfg.lua"), "-F"], stdout=out,
                stderr=out, stdin=subprocess.DEVNULL, start_new_session=True, **self.identity)
        Prosody.running.append(self.process)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("Prosody does not come up: " + self.last_words())

    def last_words(self):
        words = []
        for name in ("prosody.out", "prosody.log"):
            try:
                with open(self.path(name), errors="replace") as file:
                    words += file.readlines()[-10:]
            except OSError:
                pass
        return "".join(words)

    def stop(self, is_kill=False):
        """Orderly (streams are closed), or as if the machine's power went."""
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if is_kill else signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def restart(self, is_kill=False):
        self.stop(is_kill)
        return self.start()
