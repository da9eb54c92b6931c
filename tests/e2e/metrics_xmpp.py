"""Who watches a node that records for Jicofo: the connections in /metrics with a real Prosody, the
queries of dashboard and alert rules while it streams, webhooks and StatsD for sessions that came
over XMPP, and what all of them see when Jicofo goes."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers", "focus"))
from focus import PATIENCE                                                     # noqa: E402
from prosody import Unavailable                                                # noqa: E402
from rig import Failed, Rig, build_folder, run                                 # noqa: E402

ROOM = "blue-tone440"


class Listener:
    """metrics_listener.py: a StatsD server and a webhook subscriber."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="telerec-listener-")
        for name in ("statsd", "hooks"):
            open(os.path.join(self.folder, name), "w").close()
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(HERE, "metrics_listener.py"), self.folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.udp, self.hook, self.failing = self.process.stdout.readline().split()

    def lines(self, name):
        with open(os.path.join(self.folder, name)) as file:
            return file.read().splitlines()

    def sessions(self):
        posts = [json.loads(line) for line in self.lines("hooks")]
        return [json.loads(post["body"])["session"] for post in posts
                if post["path"] == "/v1/session/status"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


class Watched:
    def __init__(self, rig, listener):
        self.rig, self.listener = rig, listener

    def port(self):
        match = re.search(r"the node API is at 127\.0\.0\.1, port (\d+)", self.rig.log_text())
        return int(match[1]) if match else None

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port()}/metrics", timeout=20) as answer:
            return answer.read().decode()

    def values(self, name):
        """Of all series with this name."""
        return [float(line.rsplit(" ", 1)[1]) for line in self.metrics().splitlines()
                if re.match(re.escape(name) + r"[{ ]", line)]

    async def wait(self, what, is_so, timeout=60):
        end = time.monotonic() + timeout * PATIENCE
        while not await asyncio.to_thread(is_so):
            if time.monotonic() > end:
                raise Failed(f"waited in vain until {what}:\n{self.rig.warn_words()}")
            await asyncio.sleep(0.2)

    async def ask_queries(self):
        # Nothing has been streamed or finished yet, so nobody knows how long the disk will do.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-B", os.path.join(HERE, "metrics_queries.py"), "--target",
            f"127.0.0.1:{self.port()}", "--may-miss",
            "telerec_(stream_(?!failures)|uploads?_).*|telerec_disk_recording_left_seconds")
        if await process.wait() != 0:
            raise Failed("not every query of the dashboard and the rules is answered")


async def check_connection(watched):
    for name in ("telerec_link_connected", "telerec_link_present", "telerec_link_focus"):
        await watched.wait(f"{name} is 1", lambda n=name: watched.values(n) == [1])
    text = watched.metrics()
    port = watched.rig.prosody.port
    if f'environment="test",server="127.0.0.1:{port}"' not in text:
        raise Failed("the connection is not named by environment and server")
    if "recorder" in text or "hush" in text:
        raise Failed("/metrics tells accounts")


async def record(watched):
    rig, listener = watched.rig, watched.listener
    answer = await rig.focus.client_start(rig.room(ROOM))
    if not answer.ok:
        raise Failed(f"no start: {answer.condition} {answer.text}")
    await rig.focus.wait_published(rig.room(ROOM), "on", 60)
    await watched.wait("participants are counted",
                       lambda: watched.values("telerec_slot_meeting_joined") == [1])
    if ROOM in watched.metrics():
        raise Failed("/metrics names the room")
    await watched.ask_queries()
    await rig.focus.client_stop(rig.room(ROOM))
    await rig.wait_finished(answer.session_id, 120)
    await watched.wait("both webhooks came",
                       lambda: any(s["status"] == "OFF" for s in listener.sessions()))
    # What is not answered within 2 s is told once more.
    told = list(dict.fromkeys(
        (s["sessionId"], s["status"], s["failure"]) for s in listener.sessions()))
    if told != [(answer.session_id, "ON", None), (answer.session_id, "OFF", None)]:
        raise Failed(f"the webhooks told {told}")


def start_over_http(rig, session_id, base_url):
    port = re.search(r"external HTTP API is on port (\d+)", rig.log_text())[1]
    body = {"sessionId": session_id, "sinkType": "file",
            "callParams": {"callUrlInfo": {"baseUrl": base_url, "callName": "nowhere"}},
            "callLoginParams": {"domain": "d.test", "username": "u", "password": "hush"}}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/jibri/api/v1.0/startService", json.dumps(body).encode(),
        {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()


async def fail_to_join(watched):
    """Nobody listens where the meeting should be: a failure with its sentence."""
    listener = watched.listener
    start_over_http(watched.rig, "lost", f"http://127.0.0.1:{watched.rig.free_ports(1)[0]}")
    def lost():
        return [s for s in listener.sessions() if s["sessionId"] == "lost"]
    await watched.wait("the failure is told", lost, 90)
    told = lost()[0]
    failure = told["failure"]
    if (told["sessionId"], told["status"], told["shouldRetry"]) != ("lost", "OFF", True) or \
            failure["reason"] != "ERROR" or failure["error"]["scope"] != "SESSION" or \
            not failure["error"]["detail"]:
        raise Failed(f"the webhook told {told}")
    await watched.wait("the failure is counted",
                       lambda: watched.values("telerec_sessions_failed_total") == [1])
    await watched.wait("StatsD has the error",
                       lambda: "jibri.error:1|c|#recording" in listener.lines("statsd"))


async def lose_focus(watched):
    watched.rig.focus.leave()
    await watched.wait("Jicofo is missed", lambda: watched.values("telerec_link_focus") == [0])
    if watched.values("telerec_link_present") != [1]:
        raise Failed("the slot is not in the brewery any more")
    host = f"xmpp_server_host:127.0.0.1:{watched.rig.prosody.port}"
    if f"jibri.xmpp-connected:1|c|#{host}" not in watched.listener.lines("statsd"):
        raise Failed(f"StatsD has no connection: {watched.listener.lines('statsd')}")


async def watch(rig, settings):
    listener = Listener()
    settings["stats"] = {"statsd": f"127.0.0.1:{listener.udp}"}
    settings["webhooks"] = {"subscribers": [f"http://127.0.0.1:{listener.failing}",
                                            f"http://127.0.0.1:{listener.hook}"]}
    try:
        await rig.start_telerecd()
        await rig.focus.wait_idle(1, 120)
        watched = Watched(rig, listener)
        await check_connection(watched)
        await record(watched)
        await rig.focus.wait_idle(1, 60)
        await fail_to_join(watched)
        await lose_focus(watched)
        print(f"{len(listener.lines('hooks'))} webhooks, {len(listener.lines('statsd'))} counts")
    finally:
        listener.stop()


async def main():
    if not shutil.which("prometheus"):
        raise Unavailable("prometheus is not installed")
    settings = {"api": {"socket": "", "port": 0}}
    async with Rig(build_folder(), slots=1, settings=settings) as rig:
        await watch(rig, settings)


if __name__ == "__main__":
    run(main)
