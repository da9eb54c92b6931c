"""A real telerecd, its meetings' page, and the console before it, for the tests of the console."""

import http.server
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "console"))

from terminal import Failure, Terminal, build_dir, run, telerec  # noqa: E402,F401

PATIENCE_S = 240

# A page that moves in its own colour and sounds at its own loudness, three seconds on, three off.
PAGE = """<!doctype html><title>page</title><body style="margin:0;background:%(colour)s">
<canvas id=c width=640 height=300></canvas><script>
let x = c.getContext("2d"), n = 0;
setInterval(() => { n++; x.fillStyle = "hsl(" + n * 3 %% 360 + ",90%%,60%%)";
  x.fillRect(n * 9 %% 640, 0, 60, 300); }, 66);
let a = new AudioContext(), o = a.createOscillator(), g = a.createGain();
o.connect(g).connect(a.destination); o.start();
let on = () => g.gain.setValueAtTime(
  %(beeps)s && Math.floor(Date.now() / 3000) %% 2 ? 0 : %(gain)s, a.currentTime);
on(); setInterval(on, 50);
</script>"""


def need_tools():
    for tool in ("Xvfb", "chromium"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            sys.exit(77)


class Pages:
    """Serves PAGE: /name?colour&gain&beeps as page(...) makes the address."""

    def __init__(self):
        pages = self.pages = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                text = pages.get(self.path.strip("/"))
                data = (text or "").encode()
                self.send_response(200 if text else 404)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, name, colour, gain, beeps=False):
        self.pages[name] = PAGE % {"colour": colour, "gain": gain, "beeps": int(beeps)}
        return f"http://127.0.0.1:{self.server.server_port}/{name}"


class Node:
    """telerecd with its own folder; `with` cleans up all of it."""

    def __init__(self, slots=2, more=""):
        self.work = tempfile.mkdtemp(prefix="telerec-e2e.")
        os.chmod(self.work, 0o755)
        self.out = os.path.join(self.work, "out")
        os.mkdir(self.out)
        os.chmod(self.out, 0o777)
        self.socket = os.path.join(self.work, "control.sock")
        self.config = os.path.join(self.work, "telerec.conf")
        self.log = os.path.join(self.work, "log")
        self.process = None
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(f"""recordings = "{self.out}";
slots = {slots};
video: {{ size = "640x360"; frame_rate = 15; }};
sound: {{ source = "plugin"; }};
jibri_http: {{ external_port = "off"; internal_port = "off"; }};
api: {{ socket = "{self.socket}"; }};
{more}""")

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(build_dir(), "telerecd"), "--config", self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def verb(self, *words, patience_s=PATIENCE_S):
        """telerec on this node: its exit code and what it printed."""
        done = subprocess.run([telerec(), words[0], "--node", self.socket, *words[1:]],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=patience_s, check=False)
        return done.returncode, done.stdout.decode(errors="replace")

    def wait_well(self, slots):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            code, said = self.verb("slots", "--json")
            if code == 0 and said.count('"is_healthy": true') == slots:
                return
            time.sleep(0.2)
        raise Failure(f"the slots are not well: {said}\n{self.last_log()}")

    def record(self, url, name):
        until = time.monotonic() + PATIENCE_S
        while True:
            code, said = self.verb("start", url, "--session-id", name, "--room",
                                   f"{name}@conference.example.org", "--wait=on")
            if code == 0:
                return
            if code != 4 or time.monotonic() > until:
                raise Failure(f"{name} is not recorded: code {code}: {said}\n{self.last_log()}")
            time.sleep(0.5)

    def last_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-40:])

    def console(self, *options, **more):
        return Terminal([telerec(), "console", "--node", self.socket, "--config", self.config,
                         *options], **more)

    def __enter__(self):
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.kill()

    def __exit__(self, kind, value, trace):
        if kind:
            print(self.last_log(), file=sys.stderr)
        self.stop()
        shutil.rmtree(self.work, ignore_errors=True)
