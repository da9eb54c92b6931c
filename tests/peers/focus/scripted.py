"""A recorder that follows a script: right by default, and wrong in one named way when asked. The
self-test lets the focus judge it."""

import asyncio

from focus import HEALTH, JIBRI
from xmpp import CLIENT, MUC, Client, Node, muc_statuses


class Scripted:
    def __init__(self, prosody, nickname, wrong="", user="jibri", brewery=None, port=None,
                 on_after=0.05, idle_after=0.05):
        names = prosody.names
        self.nick, self.wrong = nickname, wrong
        self.brewery = brewery or names.brewery
        self.client = Client(names.auth, user, prosody.passwords[user], port=port or prosody.port,
                             on_stanza=self._handle)
        self.on_after, self.idle_after = on_after, idle_after
        self.running = None               # session id
        self.sip = None
        self.got = []                     # attributes of the requests
        self.answers = []                 # results and errors of our status IQs
        self.joined = asyncio.Event()
        self._tasks = set()

    async def start(self):
        await self.client.connect()
        if self.wrong == "join without status":
            self.send_presence(None, True)
            await self.joined.wait()
            self.send_presence("idle")
        else:
            self.send_presence("idle", True)
            await asyncio.wait_for(self.joined.wait(), 60)
        return self

    async def stop(self):
        for task in self._tasks:
            task.cancel()
        await self.client.close()

    def send_presence(self, busy, is_join=False, health="healthy", more=()):
        presence = Node("presence", CLIENT, {"to": f"{self.brewery}/{self.nick}"}, more)
        if is_join:
            presence.children.append(Node("x", MUC))
        if busy:
            health_ns = JIBRI if self.wrong == "health in the wrong namespace" else HEALTH
            status = Node("jibri-status", JIBRI, children=[
                Node("busy-status", JIBRI, {"status": busy})])
            if self.wrong != "no health":
                status.children.append(Node("health-status", health_ns, {"status": health}))
            presence.children.append(status)
        self.client.send(presence)

    def _task(self, coroutine):
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _handle(self, stanza):
        if stanza.name == "presence" and "110" in muc_statuses(stanza):
            self.joined.set()
        jibri = stanza.find("jibri", JIBRI)
        if stanza.name == "iq" and stanza.get("type") == "set" and jibri:
            self.got.append(dict(jibri.attrs))
            if jibri.get("action") == "start":
                self._task(self._start(stanza, jibri))
            else:
                self._task(self._stop(stanza, jibri))

    def _jibri(self, **attrs):
        return Node("jibri", JIBRI, {k: v for k, v in attrs.items() if v is not None})

    async def status(self, **attrs):
        attrs.setdefault("session_id", self.running)
        if self.sip and self.wrong != "no sipaddress":
            attrs["sipaddress"] = self.sip
        answer = await self.client.iq(f"{self.brewery}/focus", self._jibri(**attrs), timeout=70)
        self.answers.append(answer)
        return answer

    async def _start(self, iq, request):
        wrong, answer = self.wrong, self._jibri(status="pending")
        session, self.sip = request.get("session_id"), request.get("sipaddress") or None
        answer.attrs["sipaddress"] = self.sip if wrong != "no sipaddress" else None
        if wrong == "busy" or self.running:
            self.client.answer(iq, self._jibri(
                status="off", failure_reason="busy", should_retry="true"))
            return
        if wrong == "silent":
            return
        if wrong == "error answer":
            self.client.refuse(iq, "internal-server-error")
            return
        if wrong == "slow":
            await asyncio.sleep(4)
        if wrong != "idle at pending":
            self.send_presence("busy")
        self.running = session
        if wrong == "status before the answer":
            self._task(self.status(status="on"))
            await asyncio.sleep(0.1)
        self._twist_start(answer, request)
        if wrong == "cut id":
            self.client.send(Node("iq", CLIENT, {"type": "result", "id": iq.get("id")[:-3],
                                                 "to": iq.get("from")}, [answer]))
        elif wrong == "empty result":
            self.client.answer(iq)
        else:
            self.client.answer(iq, answer)
        if wrong == "answers twice":
            self.client.answer(iq, answer)
        if not wrong.startswith("never on"):
            await self._run(session)

    def _twist_start(self, answer, request):
        wrong = self.wrong
        if wrong == "on as the answer":
            answer.attrs["status"] = "on"
        if wrong == "unknown attribute":
            answer.attrs["colour"] = "red"
        if wrong == "a child":
            answer.children.append(Node("bad-request", JIBRI, children=["no"]))
        if wrong == "reason with pending":
            answer.attrs["failure_reason"] = "error"
        if wrong == "echoes the stream key":
            answer.attrs["room"] = request.get("streamid")
        if wrong == "upper case":
            answer.attrs["status"] = "PENDING"

    async def _run(self, session):
        wrong = self.wrong
        await asyncio.sleep(self.on_after)
        if self.running != session:
            return
        if wrong == "fails, idle at once":
            self._task(self.status(status="off", failure_reason="error", should_retry="true"))
            self._task(self._become_idle(0.02))
            return
        if wrong.startswith("fails"):
            retry = "false" if wrong == "fails for good" else "true"
            self._task(self.status(status="off", failure_reason="error", should_retry=retry))
            self._task(self._become_idle(1.2))
            return
        more = {"reason with on": {"failure_reason": "error"},
                "retry without reason": {"should_retry": "true"},
                "unknown status": {"status": "running"},
                "another session": {"session_id": "00000000"}}.get(wrong, {})
        if wrong == "app_data in presence":
            self.send_presence("busy", more=[Node("status", CLIENT, children=[
                "token-of-somebody-0123456789"])])
        if wrong == "idle while it runs":
            self.send_presence("idle")
        if wrong == "leaves":
            self.client.abort()
            return
        if wrong != "never on but stop" and self.client.is_open:
            await self.status(**{"status": "on", **more})
        if wrong == "ends by itself":
            await self.status(status="off")
            await self._become_idle(0)

    async def _become_idle(self, after):
        await asyncio.sleep(after)
        self.running = None
        self.send_presence("idle")

    async def _stop(self, iq, request):
        wrong, session = self.wrong, request.get("session_id")
        if wrong == "stop: idle first":
            self.send_presence("idle")
        if wrong == "stop: silent":
            return
        if wrong == "stop: empty":
            self.client.answer(iq)
        elif wrong == "stop: off with a set before":   # upstream's way
            self._task(self.status(status="off"))
            await asyncio.sleep(0.1)
            self.client.answer(iq, self._jibri(status="off"))
        else:
            self.client.answer(iq, self._jibri(status="off", session_id=session,
                                               sipaddress=self.sip))
        if wrong == "on after stop":
            await self.status(status="on", session_id=session)
        if self.running == session:
            await self._become_idle(self.idle_after)
