"""What the interop scenarios share: their table, their world, and how one is run.

A scenario is a function that gets a World, and raises Failed (or returns a note for the table). Its
number is that of the scenario in the list of Jicofo's and Jibri's customs that a node must know.
"""

import asyncio
import os
import re
import sys
import time
import traceback
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers", "focus"))
from focus import JIBRI, PATIENCE                                # noqa: E402
from rig import Failed, Rig                             # noqa: E402,F401
from xmpp import CLIENT, MUC, Client, Node, XmppError   # noqa: E402,F401

SKIPPED = {}     # number: (name, reason)
SCENARIOS = []   # in the order of running


@dataclass
class Scenario:
    number: str
    name: str
    world: str
    function: object
    allowed: tuple        # rules whose violations are this scenario's point
    timeout: float
    is_background: bool


def scenario(number, name, world="main", allowed=(), timeout=60, background=False):
    def add(function):
        SCENARIOS.append(Scenario(str(number), name, world, function, allowed, timeout, background))
        return function
    return add


def skip(number, name, reason):
    SKIPPED[str(number)] = (name, reason)


def check(condition, text):
    if not condition:
        raise Failed(text)


class World:
    """A Rig with its node, and the words that scenarios are written in."""

    def __init__(self, name, rig):
        self.name, self.rig, self.focus = name, rig, rig.focus
        self.notes = {}
        self.count = 0

    # Requests

    def jibri(self, **attrs):
        return Node("jibri", JIBRI, {k: v for k, v in attrs.items() if v is not None})

    def start_child(self, room=None, session_id=None, **more):
        self.count += 1
        return self.jibri(**{
            "action": "start", "recording_mode": "file", "room": room or self.room("raw"),
            "session_id": session_id or f"raw-{self.name}-{self.count}", **more})

    def stop_child(self, session_id=None):
        return self.jibri(action="stop", session_id=session_id)

    def room(self, name):
        return self.rig.room(name)

    def new_room(self, name="room"):
        """A room of its own; a scenario's word of the demo meeting comes first in its name."""
        self.count += 1
        return self.room(f"{name}-{self.name}{self.count}")

    async def raw(self, nick, child, **more):
        """(type, <jibri> or error condition) of the answer, which must come within a second."""
        began = self.focus.clock()
        try:
            answer = await self.focus.raw(nick, child, **more)
        except asyncio.TimeoutError:
            raise Failed("no answer (or one with another id)") from None
        took = self.focus.clock() - began
        check(took < self.focus.settings.answer_limit, f"the answer took {took:.1f} s")
        if answer.get("type") == "error":
            return "error", answer.error_condition()
        return "result", answer.find("jibri", JIBRI)

    async def expect_refusal(self, nick, child, reason=None, retry=None, errors=()):
        """The start is refused: in its answer, or after `pending` by a status IQ; or by an error
        of `errors`. The node is idle again afterwards."""
        mark = len(self.focus.events)
        kind, jibri = await self.raw(nick, child)
        if kind == "error":
            check(jibri in errors, f"answered by error {jibri}")
        else:
            check(jibri, "answered by an empty result")
            if jibri.get("status") == "pending":
                jibri = await self.status_after(mark, nick, "off", 10)
            self.check_off(jibri, reason, retry)
        await self.idle()

    def check_off(self, jibri, reason, retry):
        check(jibri.get("status") == "off", f"status {jibri.get('status')}")
        check(reason in (None, jibri.get("failure_reason")),
              f"failure_reason {jibri.get('failure_reason')} instead of {reason}")
        check(retry in (None, jibri.get("should_retry")),
              f"should_retry {jibri.get('should_retry')} instead of {retry}")

    async def status_after(self, mark, nick, status, timeout):
        """The next status IQ of this kind from a node: its attributes."""
        return await self.focus.wait(
            lambda: next((d for _, k, o, d in self.focus.events[mark:] if k == "status" and
                          o.endswith("/" + nick) and d.get("status") == status), None),
            timeout, f"a status IQ {status} from {nick}")

    # Recordings

    async def start(self, room, **more):
        """Started and accepted: the session id."""
        answer = await self.focus.client_start(room, **more)
        check(answer.ok, f"the start was refused: {answer.condition} {answer.text}; attempts "
              f"{self.attempts(room)}")
        return answer.session_id

    def attempts(self, room):
        return [d for _, k, _, d in self.focus.events[-12:] if k == "answer"]

    async def on(self, room, timeout=25, **more):
        """Recording: the session id and the nick that does it."""
        session_id = await self.start(room, **more)
        nick = self.focus.room(room).session.node.split("/")[1]
        await self.focus.wait(lambda: self.focus.state(room) != "pending", timeout, f"on in {room}")
        check(self.focus.state(room) == "on",
              f"{room}: {self.focus.room(room).published[-1:]} instead of on")
        return session_id, nick

    async def stop(self, room):
        answer = await self.focus.client_stop(room)
        check(answer.ok, f"the stop was refused: {answer.condition}")

    async def record(self, room, seconds=1.0, **more):
        """A whole recording: (session id, movie)."""
        session_id, _ = await self.on(room, **more)
        await asyncio.sleep(seconds)
        await self.stop(room)
        return session_id, await self.rig.wait_finished(session_id)

    async def ended(self, room, timeout):
        """What is published at the end."""
        await self.focus.wait(
            lambda: self.focus.state(room) == "off", timeout, f"the end of {room}")
        return self.focus.room(room).published[-1]

    async def idle(self, timeout=30, focus=None):
        """Every slot is idle and healthy, and nobody is barred."""
        focus = focus or self.focus
        await focus.wait_idle(self.rig.slots, timeout)
        focus.forget_failures()

    def recorder(self, nick, focus=None):
        focus = focus or self.focus
        return focus.recorders.get(f"{focus.settings.brewery}/{nick}")

    def nicks(self):
        return sorted(r.nick for r in self.focus.recorders.values())

    # The node's log

    def log(self):
        return self.rig.log_text(self.log_name)

    log_name = "telerec"

    async def wait_log(self, pattern, timeout, start=0):
        timeout *= PATIENCE
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            found = re.search(pattern, self.log()[start:], re.IGNORECASE)
            if found:
                return found.group(0)
            await asyncio.sleep(0.2)
        raise Failed(f"the log does not say {pattern!r} within {timeout} s")


def sort_key(number):
    digits = re.match(r"(\d+)(.*)", number)
    return (int(digits.group(1)), digits.group(2)) if digits else (999, number)


class Table:
    def __init__(self):
        self.rows = []

    def add(self, number, name, result, note="", seconds=None):
        self.rows.append((number, name, result, note, seconds))
        took = f"{seconds:5.1f} s" if seconds is not None else " " * 7
        print(f"{number:>4}  {result:<7} {took}  {name}{': ' + note if note else ''}", flush=True)

    def print(self):
        print("\nnumber  result   scenario")
        for number, name, result, note, _ in sorted(self.rows, key=lambda row: sort_key(row[0])):
            text = f": {note}" if note and result != "passed" else f" ({note})" if note else ""
            print(f"{number:>6}  {result:<7}  {name}{text}")
        counts = {r: sum(row[2] == r for row in self.rows) for r in ("passed", "FAILED", "skipped")}
        print(f"\n{counts['passed']} passed, {counts['FAILED']} failed, "
              f"{counts['skipped']} skipped")
        return counts["FAILED"]


async def run_one(item, world, table):
    mark, began = len(world.focus.violations), time.monotonic()
    note = ""
    try:
        note = await asyncio.wait_for(item.function(world), item.timeout * PATIENCE) or ""
        strange = [v for v in world.focus.violations[mark:] if v.rule not in item.allowed]
        if strange and not item.is_background:
            raise Failed("Jicofo would complain: " + "; ".join(map(str, strange[:3])))
        result = "passed"
    except (Failed, TimeoutError, XmppError, OSError) as error:
        result, note = "FAILED", str(error) or f"did not end within {item.timeout * PATIENCE} s"
    except Exception as error:       # a fault of the scenario itself
        traceback.print_exc()
        result, note = "FAILED", f"the scenario itself broke: {error!r}"
    table.add(item.number, item.name, result, note, time.monotonic() - began)
    return result == "passed"
