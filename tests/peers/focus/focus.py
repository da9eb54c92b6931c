"""A strict double of Jicofo's recorder side, over a real MUC.

It finds recorders in the brewery, selects, starts, waits, retries and stops as Jicofo does, and
keeps a list of everything a recorder said that Jicofo would not take or that is a known trap:
`violations`. Nobody plays a conference: client_start() and client_stop() are what a client in the
room would ask, `published` is what the room would see.

The rules' numbers:
   1  the answer to a start or stop within 1 s (hard limit: the reply time-out)
   2  an answer goes to who asked, with the same id, once
   3  presence is busy before `pending`, and idle only after the `off` of the session
   4  no status IQ before the answer to the start
   5  failure_reason only with status off, should_retry only with failure_reason
   6  values, attributes and children as in the protocol
   7  a SIP session's IQs carry its sipaddress
   8  neither stream key nor app_data ever come back
  13  availability is in the first presence already, with both children in their namespaces
  14  a status IQ names no other session than the one it is about
  15  after the answer to a stop no `on`
  16  after a failure that asks for a retry, not available again within a second (it would be
      selected for that very retry)
"""

import asyncio
import re
import time
import uuid
from dataclasses import dataclass, field

from xmpp import (CLIENT, MUC, MUC_USER, Client, Node, XmppError, bare, muc_config_form,
                  muc_statuses, nick)

JIBRI = "http://jitsi.org/protocol/jibri"
HEALTH = "http://jitsi.org/protocol/health"

STATUSES = {"on", "off", "pending"}
REASONS = {"busy", "error"}
# What a node may write into <jibri>; `room` is harmless.
NODE_ATTRIBUTES = {"status", "failure_reason", "should_retry", "sipaddress", "session_id", "room"}

# Deadlines for what must come are for a machine with little else to do; no machine is always that.
PATIENCE = 4
AT_ONCE_S = 0.5       # shorter than any rest after a failure, even when its news was late

ERROR_TYPES = {"forbidden": "auth", "bad-request": "modify", "resource-constraint": "wait",
               "unexpected-request": "wait"}


@dataclass
class Settings:
    host: str
    port: int
    domain: str
    password: str
    brewery: str
    user: str = "focus"
    reply_timeout: float = 15
    answer_limit: float = 10          # an answer that takes longer is a violation
    pending_timeout: float = 90       # 0 or less: never
    retries: int = 5                  # -1: no limit
    stop: str = "immediate"           # "wait": for off up to 60 s; "strict": and complain
    stop_timeout: float = 60
    old_pending: bool = False         # before S#10888: a pending time-out is retried elsewhere
    result_delay: float = 0           # of the results of status IQs; None: they never come
    extras: bool = True               # unknown attributes and a child in every start and stop
    supports_bad_request: bool = False
    rtcstats: bool = True
    rejoin_s: float = 15
    reconnect_s: float = 1
    moderator_checks: bool = True
    has_brewery: bool = True


@dataclass
class Recorder:
    """One occupant of the brewery that says it is a recorder."""
    occupant: str
    jid: str = ""
    busy: str = ""
    health: str = ""
    last_failed: float = None         # never
    last_selected: float = None
    since: float = 0
    history: list = field(default_factory=list)  # (time, busy, health)

    @property
    def available(self):
        return self.busy == "idle" and self.health == "healthy"

    @property
    def nick(self):
        return nick(self.occupant)


@dataclass
class Session:
    room: str
    id: str
    kind: str                         # file, stream, sip
    request: dict                     # what goes into the start
    initiator: str = ""
    terminator: str = ""
    node: str = None                  # occupant JID
    last: str = ""
    retries: int = 0
    attempts: list = field(default_factory=list)  # (occupant, answer's word)
    timer: asyncio.TimerHandle = None
    started: float = 0
    pick: str = ""                    # only this nick, for tests
    tweak: object = None              # changes the start's <jibri>, for tests


@dataclass
class Answer:
    """What the asking client gets."""
    ok: bool
    session_id: str = ""
    condition: str = ""
    text: str = ""

    @property
    def error_type(self):
        return "" if self.ok else ERROR_TYPES.get(self.condition, "cancel")


class Room:
    def __init__(self, jid):
        self.jid = jid
        self.queue = asyncio.Lock()   # requests and status IQs of one room, in order
        self.session = None
        self.published = []           # {status, failure_reason, session_id, mode, initiator, at}
        self.is_wedged = False


@dataclass
class Violation:
    rule: int
    occupant: str
    text: str
    at: float = field(default_factory=time.time)

    def __str__(self):
        return f"rule {self.rule}, {nick(self.occupant) or self.occupant}: {self.text}"


class Focus:
    def __init__(self, settings, log=None):
        self.settings = settings
        self.log = log or (lambda text: None)
        self.client = None
        self.recorders = {}
        self.rooms = {}
        self.violations = []
        self.unheard = set()          # rooms whose status IQs are never acknowledged
        self.events = []              # (time, kind, occupant, details): everything, for the tests
        self.changed = asyncio.Event()
        self.in_brewery = False
        self._outstanding = {}        # occupant -> what we asked and wait for: "start", "stop"
        self._started = {}            # occupant -> session it accepted and has not ended
        self._stopped = set()         # session ids that were stopped
        self._failed = {}             # occupant -> when it asked for a retry elsewhere
        self._secrets = set()
        self._occupants = {}          # nick's occupant JID -> real JID, recorders and others
        self._tasks = set()
        self._keeper = None
        self._pulse = None
        self._late, self._beat_due = 0.0, None      # seconds that this program itself was late
        self._pinged_at, self._late_at = None, 0.0  # the ping that is under way; when news was late

    # Log-in and brewery

    async def start(self):
        self._pulse = asyncio.create_task(self._beat())
        await self._connect()
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def _beat(self):
        while True:
            self._beat_due = time.monotonic() + 0.1
            await asyncio.sleep(0.1)
            late = time.monotonic() - self._beat_due
            self._late += late
            if late > AT_ONCE_S / 2:
                self._late_at = time.monotonic()
            if self._pinged_at is None and self.client and self.client.is_open:
                self._pinged_at = time.monotonic()
                self._task(self._ping())

    async def _ping(self):
        try:
            await self.client.iq(self.settings.domain, Node("ping", "urn:xmpp:ping"), type="get")
        except (XmppError, asyncio.TimeoutError):
            pass                      # the server is gone, and all its news with it
        if time.monotonic() - self._pinged_at > AT_ONCE_S / 2:
            self._late_at = time.monotonic()
        self._pinged_at = None

    def was_late(self, within):
        """Whether what came in these last seconds may have waited: here, or in the server. Then it
        does not tell what was how long after what."""
        now = time.monotonic()
        return any(now - (since or now) > AT_ONCE_S / 2 for since in (
            self._beat_due, self._pinged_at)) or now - self._late_at < within

    def clock(self):
        """Seconds, but not those in which this program was late: they are nobody else's."""
        now = time.monotonic()
        return now - self._late - max(0.0, now - (self._beat_due or now))

    async def stop(self):
        for task in (self._keeper, self._pulse):
            if task:
                task.cancel()
        for room in self.rooms.values():
            self._disarm(room.session)
        for task in list(self._tasks):
            task.cancel()
        if self.client:
            await self.client.close()

    async def _connect(self):
        s = self.settings
        self.client = Client(s.domain, s.user, s.password, host=s.host, port=s.port,
                             on_stanza=self._handle)
        await self.client.connect()
        await self.join()

    async def join(self):
        """Joins and configures the brewery; raises when it does not work."""
        joined = asyncio.get_running_loop().create_future()
        self._joining = joined
        self.client.send(Node("presence", CLIENT, {"to": f"{self.settings.brewery}/focus"},
                              [Node("x", MUC)]))
        await asyncio.wait_for(joined, 45 * PATIENCE)
        answer = await self.client.iq(
            self.settings.brewery, muc_config_form({"muc#roomconfig_whois": "anyone"}))
        if answer.get("type") != "result":
            self.log(f"brewery not configured: {answer.error_condition()}")
        self.in_brewery = True
        self._changed("joined", "", {})

    def leave(self):
        self.client.send(Node("presence", CLIENT, {"to": f"{self.settings.brewery}/focus",
                                                   "type": "unavailable"}))
        self.in_brewery = False

    async def _keep(self):
        """Comes back for ever when the server has gone."""
        while True:
            await self.client.closed.wait()
            self.in_brewery = False
            self._changed("disconnected", "", {"reason": self.client.reason})
            lost = time.monotonic()
            while True:
                try:
                    await self._reconnect()
                    break
                except (OSError, XmppError, asyncio.TimeoutError):
                    if time.monotonic() - lost > self.settings.reply_timeout:
                        self._drop_all()
                    await asyncio.sleep(self.settings.reconnect_s)

    async def _reconnect(self):
        s = self.settings
        client = Client(s.domain, s.user, s.password, host=s.host, port=s.port,
                        on_stanza=self._handle)
        await client.connect()
        self.client = client
        self._drop_all()              # no stream was resumed
        await self.join()

    def _drop_all(self):
        for occupant in list(self.recorders):
            self._remove(occupant, "our connection was lost")
        self._occupants.clear()

    # Watching

    def _changed(self, kind, occupant, details):
        self.events.append((time.monotonic(), kind, occupant, details))
        self.log(f"{kind} {nick(occupant)} {details}")
        event, self.changed = self.changed, asyncio.Event()
        event.set()

    async def wait(self, condition, timeout, what="the condition"):
        """Waits until condition() is true: its value. TimeoutError naming `what`.

        The timeout is that of a machine with little else to do; others get PATIENCE times as much."""
        end = time.monotonic() + timeout * PATIENCE
        while True:
            event = self.changed
            value = condition()
            if value:
                return value
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"waited {timeout * PATIENCE:g} s in vain for {what}")
            try:
                await asyncio.wait_for(event.wait(), min(left, 0.5))
            except asyncio.TimeoutError:
                pass

    def room(self, jid):
        return self.rooms.setdefault(bare(jid), Room(bare(jid)))

    def state(self, jid):
        """"off", "pending" or "on": what a client in the room would know."""
        room = self.rooms.get(bare(jid))
        if not room or not room.session:
            return "off"
        return "on" if room.published and room.published[-1]["status"] == "on" and \
            room.published[-1]["session_id"] == room.session.id else "pending"

    async def wait_published(self, jid, status, timeout, session_id=None):
        room = self.room(jid)
        return await self.wait(
            lambda: next((p for p in reversed(room.published) if p["status"] == status and
                          session_id in (None, p["session_id"])), None),
            timeout, f"{status} in {jid}")

    async def wait_recorder(self, nickname, condition, timeout, what="a presence"):
        occupant = f"{self.settings.brewery}/{nickname}"
        return await self.wait(
            lambda: occupant in self.recorders and condition(self.recorders[occupant]) and
            self.recorders[occupant], timeout, f"{what} of {nickname}")

    async def wait_idle(self, count, timeout):
        """That many recorders are available."""
        await self.wait(lambda: sum(r.available for r in self.recorders.values()) >= count,
                        timeout, f"{count} available recorders")

    def violate(self, rule, occupant, text):
        violation = Violation(rule, occupant, text)
        self.violations.append(violation)
        self._changed("violation", occupant, {"rule": rule, "text": text})

    # Stanzas

    def _handle(self, stanza):
        if stanza.name == "presence":
            self._handle_presence(stanza)
        elif stanza.name == "iq":
            self._handle_iq(stanza)

    def _task(self, coroutine):
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task):
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            error = task.exception()
            if not isinstance(error, XmppError):
                self.violate(0, "", f"the double itself failed: {error!r}")

    def _handle_presence(self, presence):
        occupant = presence.get("from", "")
        if bare(occupant) != bare(self.settings.brewery):
            return
        occupant = f"{bare(occupant)}/{nick(occupant)}"
        if nick(occupant) == "focus":
            if "110" in muc_statuses(presence) and not self._joining.done():
                self._joining.set_result(True)
            return
        if presence.get("type") == "error":
            return
        x = presence.find("x", MUC_USER)
        item = x.find("item") if x else None
        if presence.get("type") == "unavailable":
            self._occupants.pop(occupant, None)
            self._remove(occupant, "left")
            return
        self._check_secrets(occupant, presence)
        first = occupant not in self._occupants
        self._occupants[occupant] = item.get("jid", "") if item else ""
        status = presence.find("jibri-status", JIBRI)
        if not status:
            self._check_no_status(occupant, first)
            return
        self._update(occupant, status, first)

    def _check_no_status(self, occupant, first):
        if occupant in self.recorders:
            self.violate(13, occupant, "a presence without jibri-status after one with it")
        elif first:
            self._changed("occupant", occupant, {})

    def _update(self, occupant, status, first):
        busy, health = status.find("busy-status", JIBRI), status.find("health-status", HEALTH)
        if not busy or not health:
            self.violate(13, occupant, f"busy-status or health-status is missing: {status}")
            return
        values = busy.get("status"), health.get("status")
        if values[0] not in ("idle", "busy") or values[1] not in ("healthy", "unhealthy"):
            self.violate(13, occupant, f"values {values} in presence")
            return
        recorder = self.recorders.get(occupant)
        if not recorder:
            if not first:
                self.violate(13, occupant, "joined without jibri-status")
            recorder = Recorder(occupant, self._occupants[occupant], since=time.monotonic())
            self.recorders[occupant] = recorder
        recorder.busy, recorder.health = values
        recorder.history.append((time.monotonic(), *values))
        if recorder.available:
            recorder.last_failed = None
        if values[0] == "idle" and occupant in self._started:
            self.violate(3, occupant, "idle before the off of its session")
        failed = self._failed.pop(occupant, None) if recorder.available else None
        if failed and time.monotonic() - failed < AT_ONCE_S and not self.was_late(2):
            self.violate(16, occupant, "available at once after a failure that asks for a retry")
        self._changed("presence", occupant, {"busy": values[0], "health": values[1]})

    def _remove(self, occupant, why):
        self._started.pop(occupant, None)
        if not self.recorders.pop(occupant, None):
            return
        self._changed("gone", occupant, {"why": why})
        for room in self.rooms.values():
            if room.session and room.session.node == occupant:
                self._task(self._lose(room, room.session, occupant))

    async def _lose(self, room, session, occupant):
        async with room.queue:
            if room.session is session and session.node == occupant:
                await self._status(room, session, "off", "error", True)

    def _handle_iq(self, iq):
        occupant, kind = iq.get("from", ""), iq.get("type")
        if bare(occupant) != bare(self.settings.brewery):
            if kind in ("get", "set"):
                self.client.refuse(iq, "service-unavailable")
            return
        occupant = f"{bare(occupant)}/{nick(occupant)}"
        if kind in ("result", "error"):
            self.violate(2, occupant, f"an answer to nothing: {iq}")
            return
        self._check_secrets(occupant, iq)
        if iq.elements() and iq.elements()[0].ns == "urn:xmpp:ping":
            self.client.answer(iq)
            return
        jibri = iq.find("jibri", JIBRI)
        if not jibri or len(iq.elements()) != 1 or kind != "set":
            self.violate(6, occupant, f"no status IQ: {iq}")
            self.client.refuse(iq, "bad-request" if kind == "set" else "feature-not-implemented")
            return
        room = self._room_of(occupant, jibri)
        self._check_status(occupant, jibri, room)
        if not room:
            self.client.refuse(iq, "item-not-found")
            return
        self._task(self._handle_status(room, occupant, iq, jibri))

    # Strictness

    def _check_secrets(self, occupant, stanza):
        text = str(stanza)
        for secret in self._secrets:
            if secret in text:
                self.violate(8, occupant, f"a secret in a {stanza.name}")

    def _check_jibri(self, occupant, jibri, session, is_answer):
        """The rules for every <jibri> of a node. `session` may be None."""
        status = (jibri.get("status") or "").lower()
        reason, retry = jibri.get("failure_reason"), jibri.get("should_retry")
        if status not in STATUSES or jibri.get("status") != status:
            self.violate(6, occupant, f"status {jibri.get('status')!r}")
        for name in jibri.attrs:
            if name not in NODE_ATTRIBUTES:
                self.violate(6, occupant, f"attribute {name}")
        for child in jibri.elements():
            is_allowed = is_answer and self.settings.supports_bad_request
            if child.name != "bad-request" or not is_allowed:
                self.violate(6, occupant, f"child {child.name}")
        if reason is not None and reason not in REASONS:
            self.violate(6, occupant, f"failure_reason {reason!r}")
        if retry is not None and retry not in ("true", "false"):
            self.violate(6, occupant, f"should_retry {retry!r}")
        if reason and status != "off":
            self.violate(5, occupant, f"failure_reason with status {status}")
        if retry is not None and not reason:
            self.violate(5, occupant, "should_retry without failure_reason")
        if session and session.kind == "sip" and \
                jibri.get("sipaddress") != session.request["sipaddress"]:
            self.violate(7, occupant, "no sipaddress in an IQ of a SIP session")
        if session and jibri.get("session_id", session.id) != session.id:
            self.violate(14, occupant,
                         f"session_id {jibri.get('session_id')} instead of {session.id}")

    def _is_off(self, jibri):
        return jibri and (jibri.get("status") or "").lower() == "off"

    # Selection and attempts

    def _select(self, pick=""):
        """(recorder, "") or (None, condition)."""
        now = time.monotonic()
        candidates = [r for r in self.recorders.values() if r.available and
                      pick in ("", r.nick) and
                      (r.last_selected is None or now - r.last_selected >= 0.2)]
        candidates.sort(key=lambda r: (r.last_failed is not None, r.last_failed or 0,
                                       hash(r.occupant)))
        if candidates:
            best = candidates[0]
            if best.last_failed is None or now - best.last_failed >= 60:
                best.last_selected = now
                return best, ""
        return None, "resource-constraint" if self.recorders else "service-unavailable"

    def _start_child(self, session):
        jibri = Node("jibri", JIBRI, {"action": "start", **session.request,
                                      "room": session.room, "session_id": session.id})
        if self.settings.rtcstats:
            jibri.attrs["rtcstats_enabled"] = "false"
        if self.settings.supports_bad_request:
            jibri.attrs["supports_bad_request"] = "true"
        if session.tweak:
            session.tweak(jibri)
        return self._with_extras(jibri)

    def _with_extras(self, jibri):
        if self.settings.extras:
            jibri.attrs["x_" + uuid.uuid4().hex[:6]] = "1"
            jibri.children.append(Node("trace", "urn:telerec:test:trace", {"parent": "00-1-1-01"},
                                       [Node("inner", None, children=["text"])]))
        return jibri

    async def _attempt(self, room, session):
        """Tries recorders until one takes the session: None, or a refusal for the client."""
        while True:
            recorder, condition = self._select(session.pick)
            if not recorder:
                text = "all Jibris are busy" if self.recorders else "no Jibris available"
                return Answer(False, session.id, condition, text)
            word = await self._ask(room, session, recorder)
            session.attempts.append((recorder.occupant, word))
            if word == "pending":
                return None
            self._disarm(session)
            session.node = None
            recorder.last_failed = time.monotonic()
            if 0 <= self.settings.retries <= session.retries:
                return Answer(False, session.id, "internal-server-error", "Internal server error")
            session.retries += 1

    async def _ask(self, room, session, recorder):
        """Sends the start to one recorder: "pending", or a word for what came instead."""
        occupant = recorder.occupant
        session.node, session.last = occupant, "pending"
        self._stopped.discard((session.id, occupant))
        self._arm(room, session)
        self._outstanding[occupant] = "start"
        began = self.clock()
        self._changed("start", occupant, {"room": session.room, "session_id": session.id})
        try:
            return await self.client.iq(
                occupant, self._start_child(session), timeout=self.settings.reply_timeout,
                on_answer=lambda answer: self._read_start_answer(
                    occupant, session, answer, self.clock() - began))
        except asyncio.TimeoutError:
            self._outstanding.pop(occupant, None)
            self.violate(1, occupant, "no answer to the start (or one with another id)")
            self._send_stop(occupant, session)
            return "silence"
        except XmppError:
            self._outstanding.pop(occupant, None)
            return "our connection was lost"

    def _read_start_answer(self, occupant, session, answer, took):
        self._outstanding.pop(occupant, None)
        if took > self.settings.answer_limit:
            self.violate(1, occupant, f"the answer to the start took {took:.1f} s")
        self._check_secrets(occupant, answer)
        jibri = answer.find("jibri", JIBRI)
        details = {"took": took, "type": answer.get("type"), **(jibri.attrs if jibri else {})}
        self._changed("answer", occupant, details)
        if answer.get("type") == "error":
            if answer.error_condition() not in ("service-unavailable", "item-not-found") or \
                    occupant in self.recorders:
                self.violate(6, occupant,
                             f"the start is answered by error {answer.error_condition()}")
            return "error " + answer.error_condition()
        if not jibri:
            self.violate(6, occupant, "the start is answered by an empty result")
            return "empty"
        self._check_jibri(occupant, jibri, session, True)
        status = (jibri.get("status") or "").lower()
        if status == "on":
            self.violate(6, occupant, "the start is answered by on")
        if status == "off" and not jibri.get("failure_reason"):
            self.violate(6, occupant, "the start is answered by off without a reason")
        if status != "pending":
            return f"{status} {jibri.get('failure_reason', '')}".strip()
        recorder = self.recorders.get(occupant)
        if recorder and recorder.busy == "idle":
            self.violate(3, occupant, "presence says idle when pending was answered")
        self._started[occupant] = session
        session.last = "pending"
        return "pending"

    # The pending time-out

    def _arm(self, room, session):
        self._disarm(session)
        if self.settings.pending_timeout > 0:
            session.timer = asyncio.get_running_loop().call_later(
                self.settings.pending_timeout,
                lambda: self._task(self._expire(room, session)))

    def _disarm(self, session):
        if session and session.timer:
            session.timer.cancel()
            session.timer = None

    async def _expire(self, room, session):
        async with room.queue:
            if room.session is not session or session.last != "pending" or not session.node:
                return
            self._changed("pending time-out", session.node, {"session_id": session.id})
            self._send_stop(session.node, session)
            if self.settings.old_pending and await self._retry(room, session):
                return
            self._end(room, session, "off", None)

    # Status

    def _check_status(self, occupant, jibri, room):
        status = (jibri.get("status") or "").lower()
        self._changed("status", occupant, dict(jibri.attrs))
        session = room.session if room else self._started.get(occupant)
        if self._outstanding.get(occupant) == "start":
            self.violate(4, occupant, "a status IQ before the answer to the start")
        self._check_jibri(occupant, jibri, session or self._started.get(occupant), False)
        about = jibri.get("session_id") or (session.id if session else "")
        if status == "on" and (about, occupant) in self._stopped:
            self.violate(15, occupant, "on after the stop of the session")
        if jibri.get("failure_reason") and jibri.get("should_retry") == "true":
            self._failed[occupant] = time.monotonic()
        if self._is_off(jibri) and occupant in self._started:
            if jibri.get("session_id", self._started[occupant].id) == self._started[occupant].id:
                del self._started[occupant]

    async def _handle_status(self, room, occupant, iq, jibri):
        async with room.queue:
            session = room.session
            if not session or session.node != occupant:
                self.client.refuse(iq, "item-not-found")
                return
            await self._status(room, session, (jibri.get("status") or "").lower(),
                               jibri.get("failure_reason"),
                               (jibri.get("should_retry") or "").lower() == "true")
        await self._acknowledge(room, iq)

    async def _acknowledge(self, room, iq):
        delay = self.settings.result_delay
        if delay is None or room.jid in self.unheard:
            return
        if delay:
            await asyncio.sleep(delay)
        self.client.answer(iq)

    def _room_of(self, occupant, jibri):
        for room in self.rooms.values():
            session = room.session
            if session and session.node == occupant and (
                    session.kind != "sip" or
                    session.request["sipaddress"] == jibri.get("sipaddress")):
                return room
        return None

    async def _status(self, room, session, status, reason, retry):
        if status not in STATUSES:
            return
        session.last = status
        if status != "pending":
            self._disarm(session)
        if reason:
            node = session.node
            session.node = None
            if retry and await self._retry(room, session):
                return
            if status == "off":
                self._end(room, session, "off", reason)
            else:
                self._publish(room, session, status, reason)
                room.is_wedged = True
                self._changed("wedged", node, {"room": room.jid})
        elif status == "off":
            self._end(room, session, "off", None)
        elif status == "on":
            self._publish(room, session, "on", None)

    async def _retry(self, room, session):
        """Starts it elsewhere; False when that is not to be."""
        if 0 <= self.settings.retries <= session.retries:
            return False
        session.retries += 1
        return await self._attempt(room, session) is None

    def _publish(self, room, session, status, reason):
        room.published.append({
            "status": status, "failure_reason": reason, "session_id": session.id,
            "mode": session.kind, "at": time.monotonic(),
            "initiator": session.initiator if status == "on" else session.terminator})
        self._changed("published", session.node or "", {"room": room.jid, "status": status,
                                                        "reason": reason, "id": session.id})

    def _end(self, room, session, status, reason):
        self._disarm(session)
        room.session = None
        self._publish(room, session, status, reason)

    # What a client in the room asks for

    async def client_start(self, room, mode="file", streamid=None, app_data=None, displayname=None,
                           sipaddress=None, you_tube_broadcast_id=None, role="moderator",
                           initiator="1a2b3c4d", session_id=None, pick="", tweak=None):
        """`pick` and `tweak` are for tests: only this nick, and a last change of the <jibri>."""
        refusal = self._check_client(role)
        if refusal:
            return refusal
        room = self.room(room)
        async with room.queue:
            if not self.settings.has_brewery:
                return Answer(False, condition="item-not-found")
            if room.session:
                return Answer(False, condition="unexpected-request",
                              text="Recording or live streaming is already enabled")
            if not sipaddress and mode != "file" and not streamid:
                return Answer(False, condition="bad-request",
                              text="Stream ID is empty or undefined")
            if not sipaddress and mode == "file" and streamid:
                return Answer(False, condition="bad-request",
                              text="Stream ID is provided for a FILE recording.")
            request = {"recording_mode": "file" if sipaddress else mode, "streamid": streamid,
                       "you_tube_broadcast_id": you_tube_broadcast_id, "displayname": displayname,
                       "sipaddress": sipaddress, "app_data": app_data}
            session = Session(room.jid, session_id or str(uuid.uuid4()),
                              "sip" if sipaddress else mode,
                              {k: v for k, v in request.items() if v is not None},
                              initiator=f"{room.jid}/{initiator}", started=time.monotonic(),
                              pick=pick, tweak=tweak)
            self._keep_secrets(streamid, app_data)
            room.session = session
            refusal = await self._attempt(room, session)
            if refusal:
                self._disarm(session)
                room.session = None
                return refusal
            return Answer(True, session.id)

    def _check_client(self, role):
        if role is None:
            return Answer(False, condition="forbidden")
        if role != "moderator" and self.settings.moderator_checks:
            return Answer(False, condition="not-allowed")
        return None

    def _keep_secrets(self, streamid, app_data):
        if streamid:
            self._secrets.add(streamid)
        for text in re.findall(r'"((?:[^"\\]|\\.){12,})"', app_data or ""):
            self._secrets.add(text)

    async def client_stop(self, room, stopper="5e6f7a8b", role="moderator"):
        refusal = self._check_client(role)
        if refusal:
            return refusal
        room = self.room(room)
        async with room.queue:
            session = room.session
            if not session:
                return Answer(False, condition="item-not-found", text="Unknown session")
            session.terminator = f"{room.jid}/{stopper}"
            await self._stop(room, session)
            return Answer(True)

    async def conference_ends(self, room):
        room = self.room(room)
        async with room.queue:
            if room.session and room.session.node:
                self._send_stop(room.session.node, room.session)
            self._disarm(room.session)
            room.session = None

    async def _stop(self, room, session):
        node = session.node
        self._disarm(session)
        if not node:
            self._end(room, session, "off", None)
            return
        if self.settings.stop == "immediate":
            self._send_stop(node, session)
            self._end(room, session, "off", None)
            return
        session.node = None           # a crossing `off` finds no session, as with Jicofo's own
        word = await self._ask_stop(node, session, self.settings.stop_timeout)
        self._end(room, session, "off", None if word == "off" else "error")

    def _send_stop(self, occupant, session):
        """Fire and forget; the answer is looked at all the same."""
        self._task(self._ask_stop(occupant, session, 60))

    async def _ask_stop(self, occupant, session, timeout):
        jibri = self._with_extras(Node("jibri", JIBRI, {
            "action": "stop", "session_id": session.id}))
        self._changed("stop", occupant, {"session_id": session.id})
        began = self.clock()
        try:
            return await self.client.iq(
                occupant, jibri, timeout=timeout, on_answer=lambda answer: self._read_stop_answer(
                    occupant, session, answer, self.clock() - began))
        except asyncio.TimeoutError:
            self.violate(1, occupant, "no answer to the stop (or one with another id)")
            return "silence"
        except XmppError:
            return "our connection was lost"

    def _read_stop_answer(self, occupant, session, answer, took):
        self._stopped.add((session.id, occupant))  # until here, an `on` may have crossed
        jibri = answer.find("jibri", JIBRI)
        self._changed("stopped", occupant, {"took": took, "type": answer.get("type"),
                                            "session_id": session.id,
                                            **(jibri.attrs if jibri else {})})
        if answer.get("type") == "error" and occupant not in self.recorders:
            return "gone"             # Prosody's, for an occupant that left
        self._check_secrets(occupant, answer)
        if answer.get("type") != "result" or not self._is_off(jibri):
            self.violate(6, occupant, f"the stop is answered by {answer}")
            return "other"
        self._check_jibri(occupant, jibri, session, True)
        if took > self.settings.answer_limit:
            self.violate(1, occupant, f"the answer to the stop took {took:.1f} s")
        if self._started.get(occupant) is session:
            del self._started[occupant]
        return "off"

    # For tests: anything at all to one recorder

    async def raw(self, nickname, child, type="set", id=None, timeout=5):
        """The answer's Node. `child` may be a list or None."""
        return await self.client.iq(f"{self.settings.brewery}/{nickname}", child, type=type, id=id,
                                    timeout=timeout * PATIENCE)

    def forget_failures(self):
        """Between scenarios: nobody is barred any more."""
        for recorder in self.recorders.values():
            recorder.last_failed = recorder.last_selected = None
