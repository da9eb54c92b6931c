"""A streaming server for tests: nginx with its RTMP module as sites have it (nginx.conf.in), in a folder
of its own. Applications: "live" wants ?password=sesame, "open" wants none; both record what they get."""

import atexit
import glob
import os
import random
import shutil
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = "/usr/lib/nginx/modules"


def missing():
    """Why there can be none here, or None."""
    if not nginx():
        return "nginx is not installed"
    for module in ("rtmp", "stream"):
        if not os.path.exists(f"{MODULES}/ngx_{module}_module.so"):
            return f"nginx has no {module} module (libnginx-mod-{module})"
    return None if shutil.which("openssl") else "openssl is not installed"


def nginx():
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


def free_ports(count):
    """Below those that connections get by themselves: a server that is away for a while wants its
    own again."""
    sockets = []
    while len(sockets) < count:
        each = socket.socket()
        try:
            each.bind(("127.0.0.1", random.randrange(15000, 32000)))
            sockets.append(each)
        except OSError:
            each.close()
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Site:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, "recorded"))
        subprocess.run(["sh", os.path.join(HERE, "certificates.sh"), folder], check=True)
        self.authority = os.path.join(folder, "authority.pem")
        self.port, http, self.tls_port, expired, misnamed = free_ports(5)
        with open(os.path.join(HERE, "nginx.conf.in")) as file:
            text = file.read()
        for word, value in {
                "FOLDER": folder, "MODULES": MODULES, "RTMP": self.port, "HTTP": http,
                "TLS": self.tls_port, "EXPIRED": expired, "MISNAMED": misnamed,
                "ADDRESS": "127.0.0.1", "USER": "" if os.geteuid() else "user root;"}.items():
            text = text.replace(f"@{word}@", str(value))
        with open(os.path.join(folder, "nginx.conf"), "w") as file:
            file.write(text)
        self.process = None
        atexit.register(self.kill)

    def start(self):
        """Again after kill(), too: on the same ports."""
        self.process = subprocess.Popen(
            [nginx(), "-e", f"{self.folder}/error.log", "-p", self.folder, "-c",
             f"{self.folder}/nginx.conf"], stdin=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 80
        while not self._accepts():
            if self.process.poll() is not None or time.monotonic() > end:
                raise OSError(f"nginx does not start, see {self.folder}/error.log")
            time.sleep(0.05)
        return self

    def _accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def recordings(self, name):
        """What came as the stream `name`, oldest first."""
        return [path for path in sorted(glob.glob(f"{self.folder}/recorded/{name}-*.flv"),
                                        key=os.path.getmtime) if os.path.getsize(path) > 1000]
