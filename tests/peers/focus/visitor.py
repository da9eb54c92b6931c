"""A person's browser: a real headless Chromium, driven over the DevTools pipe."""

import asyncio
import json
import os
import shutil
import signal
import subprocess

from focus import PATIENCE
from prosody import NOBODY, Unavailable
from rig import Failed, Rig


def find_chromium():
    for path in ("/usr/lib/chromium/chromium", shutil.which("chromium")):
        if path and os.path.exists(path):
            return path
    raise Unavailable("chromium is not installed")


class Visitor:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.waiting = {}
        self.session = None

    async def start(self, url):
        os.makedirs(self.folder, exist_ok=True)
        identity = {}
        if not os.geteuid():
            os.chown(self.folder, NOBODY, NOBODY)
            identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        ours_read, theirs_write = os.pipe()
        theirs_read, ours_write = os.pipe()
        environ = {"PATH": os.environ["PATH"], "HOME": self.folder, "TMPDIR": self.folder,
                   "XDG_RUNTIME_DIR": self.folder}
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{theirs_read} 4>&{theirs_write}', find_chromium(),
             "--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", f"--user-data-dir={self.folder}/profile",
             "--autoplay-policy=no-user-gesture-required", "--remote-debugging-pipe",
             "about:blank"],
            pass_fds=(theirs_read, theirs_write), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(self.folder + "/log", "wb"), env=environ,
            start_new_session=True, **identity)
        Rig.started.append(self.process)
        os.close(theirs_read)
        os.close(theirs_write)
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(limit=1 << 24)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self.reader),
                                     os.fdopen(ours_read, "rb", 0))
        self.out = os.fdopen(ours_write, "wb", 0)
        self.task = asyncio.create_task(self._read())
        targets = await self.call("Target.getTargets")
        page = next(t for t in targets["targetInfos"] if t["type"] == "page")
        attached = await self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        await self.call("Page.navigate", url=url)
        return self

    async def _read(self):
        try:
            while True:
                message = json.loads((await self.reader.readuntil(b"\0"))[:-1])
                future = self.waiting.pop(message.get("id"), None)
                if future and not future.done():
                    future.set_result(message)
        except asyncio.IncompleteReadError:
            for future in self.waiting.values():
                future.set_exception(Failed("the visitor's browser ended"))

    async def call(self, method, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        future = self.waiting[self.count] = asyncio.get_running_loop().create_future()
        self.out.write(json.dumps(message).encode() + b"\0")
        answer = await asyncio.wait_for(future, 30)
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']}")
        return answer["result"]

    async def evaluate(self, expression):
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                                 awaitPromise=True)
        return result["result"].get("value")

    async def wait(self, expression, timeout):
        end = asyncio.get_running_loop().time() + timeout * PATIENCE
        while not await self.evaluate(expression):
            if asyncio.get_running_loop().time() > end:
                raise Failed(f"the page: {expression} is not true after {timeout} s")
            await asyncio.sleep(0.1)

    async def press(self, selector):
        """With the mouse, as a person does."""
        box = await self.evaluate(
            f"(r => ({{x: r.x + r.width / 2, y: r.y + r.height / 2}}))"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=box["x"], y=box["y"],
                            button="left", clickCount=1)

    async def close(self):
        self.task.cancel()
        self.out.close()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            await asyncio.to_thread(self.process.wait, 10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)     # its crash handlers
        except OSError:
            pass
