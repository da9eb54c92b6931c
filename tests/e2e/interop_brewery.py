"""Scenarios 1 to 17: the control room. Each oddity is an environment of one telerecd ("odd"), with
a brewery of its own."""

import asyncio
import time

from interop_lib import CLIENT, MUC, PATIENCE, Client, Node, XmppError, check, scenario
from scripted import Scripted
from xmpp import MUC_USER, muc_config_form

SELF_PING_S = 75
CROWD = 30


# Environments of the "odd" world: name -> (component, what is further special)
ROOMS = {"locking": "locking", "restricted": "restricted", "filtered": "filtered",
         "lockedby": "locking", "conflict": "open", "merge": "open", "resource": "open",
         "kicked": "open", "banned": "open", "destroyed": "open", "forgotten": "open",
         "nofocus": "open", "storm": "open"}


def brewery_of(rig, name):
    return f"{name}@{ROOMS[name]}.{rig.prosody.names.auth}"


def environments(rig):
    return [rig.environment(name=name, brewery={
        "domain": f"{component}.{rig.prosody.names.auth}", "room": name,
        "nickname": "telerec"}) for name, component in ROOMS.items()]


class Watcher:
    """Somebody in a brewery who looks: who is there with which presence."""

    def __init__(self, rig, brewery, nick="watcher", user="focus", resource=None):
        names = rig.prosody.names
        self.brewery, self.nick = brewery, nick
        self.client = Client(names.auth, user, rig.prosody.passwords[user], port=rig.prosody.port,
                             on_stanza=self._handle, resource=resource)
        self.there = {}               # nick: presence
        self.log = []                 # (time, nick, type)
        self.mine = None              # the answer to our join
        self.changed = asyncio.Event()

    async def start(self, join=True):
        await self.client.connect()
        if join:
            await self.join()
        return self

    async def join(self):
        self.mine = None
        self.client.send(Node("presence", CLIENT, {"to": f"{self.brewery}/{self.nick}"},
                              [Node("x", MUC)]))
        await self.wait(lambda: self.mine, 10, "our own join")
        if self.mine.get("type") == "error":
            raise XmppError(self.mine.error_condition())

    async def configure(self):
        answer = await self.client.iq(self.brewery, muc_config_form(
            {"muc#roomconfig_whois": "anyone"}))
        check(answer.get("type") == "result", f"configuration: {answer}")

    async def admin(self, **item):
        answer = await self.client.iq(self.brewery, Node(
            "query", "http://jabber.org/protocol/muc#admin", children=[Node("item", None, item)]))
        check(answer.get("type") == "result", f"{item}: {answer}")

    def _handle(self, stanza):
        if stanza.name != "presence" or not stanza.get("from", "").startswith(self.brewery):
            return
        nick = stanza.get("from").partition("/")[2]
        if nick == self.nick or stanza.get("type") == "error":
            self.mine = stanza
        elif stanza.get("type") == "unavailable":
            self.there.pop(nick, None)
        else:
            self.there[nick] = stanza
        self.log.append((time.monotonic(), nick, stanza.get("type")))
        event, self.changed = self.changed, asyncio.Event()
        event.set()

    async def wait(self, condition, timeout, what):
        timeout *= PATIENCE
        end = time.monotonic() + timeout
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"waited {timeout} s in vain for {what}")
            try:
                await asyncio.wait_for(self.changed.wait(), min(left, 0.5))
            except asyncio.TimeoutError:
                pass
        return condition()

    def nodes(self):
        return [n for n, p in self.there.items() if p.find("jibri-status")]

    def real_jid(self, nick):
        x = self.there[nick].find("x", MUC_USER)
        return x.find("item").get("jid")

    async def wait_node(self, timeout=30):
        return (await self.wait(self.nodes, timeout, f"the node in {self.brewery}"))[0]

    async def close(self):
        await self.client.close()


async def watcher(w, name, **more):
    watching = Watcher(w.rig, brewery_of(w.rig, name), **more)
    w.closers.append(watching)
    return await watching.start()


async def prepare(w):
    """What must be there before the node comes."""
    w.notes["lockedby"] = await watcher(w, "lockedby", user="other")   # not configured: locked
    w.notes["conflict"] = await watcher(w, "conflict", nick="telerec", user="other")
    merge = Scripted(w.rig.prosody, "telerec", brewery=brewery_of(w.rig, "merge"))
    w.notes["merge"] = await merge.start()
    w.closers.append(w.notes["merge"].client)
    for name in ("kicked", "banned", "destroyed", "forgotten", "resource", "storm"):
        w.notes[name] = await watcher(w, name)
    w.notes["nofocus"] = await watcher(w, "nofocus", user="other")


@scenario(1, "cold start")
async def cold_start(w):
    first = [(t, d) for t, k, o, d in w.focus.events if k == "presence"][0]
    took = first[0] - w.notes["spawned"]
    check(took < 10 * PATIENCE, f"the first join came {took:.1f} s after the program's start")
    check(not [v for v in w.focus.violations if v.rule == 13], "a join without jibri-status")
    ready = min(t for t, k, _, d in w.focus.events if k == "presence" and d == {
        "busy": "idle", "health": "healthy"}) - w.notes["spawned"]
    return f"in the brewery after {took:.1f} s, idle and healthy after {ready:.1f} s"


@scenario(3, "both children always")
async def both_children(w):
    strange = [v for v in w.focus.violations if v.rule == 13]
    check(not strange, f"{strange}")
    return "over the whole run"


@scenario(4, "first in room, locking on", "odd")
async def locking(w):
    await w.wait_joined("locking")
    watching = await watcher(w, "locking", user="other")
    await watching.wait_node(5)


@scenario(5, "creation restricted", "odd", timeout=90, background=True)
async def restricted(w):
    said = await w.wait_log(r"[^\n]*restricted[^\n]*", 30)
    watching = await watcher(w, "restricted")        # Jicofo comes and creates it
    await watching.configure()
    began = time.monotonic()
    await watching.wait_node(65)
    return f"joined {time.monotonic() - began:.0f} s after Jicofo; {said[-70:].strip()}"


@scenario(6, "silent drop", "odd", timeout=60, background=True)
async def silent_drop(w):
    said = await w.wait_log(r"[^\n]*filtered[^\n]*muc_filter_whitelist[^\n]*", 40)
    return said[-90:].strip()


@scenario(7, "locked by another", "odd", timeout=90, background=True)
async def locked_by_another(w):
    await asyncio.sleep(8)
    watching = w.notes["lockedby"]
    check(not watching.nodes(), "it is in a locked room")
    check(w.log().count("lockedby") < 40, "a tight loop in the log")
    await watching.configure()
    began = time.monotonic()
    await watching.wait_node(45)
    return f"joined {time.monotonic() - began:.0f} s after the unlocking"


@scenario(8, "nick conflict, other account", "odd")
async def nick_conflict(w):
    return f"joined as {await w.notes['conflict'].wait_node(40)}"


@scenario(9, "nick merge, same account", "odd", timeout=90, background=True)
async def nick_merge(w):
    watching = await watcher(w, "merge", user="other")
    node = await watching.wait(lambda: [n for n in watching.nodes() if n != "telerec"], 60,
                               "the node under another nick")
    return f"joined as {node[0]}"


@scenario(10, "stream conflict", "odd", timeout=90, background=True)
async def stream_conflict(w):
    watching = w.notes["resource"]
    nick = await watching.wait_node(40)
    jid = watching.real_jid(nick)
    names = w.rig.prosody.names
    thief = await Client(names.auth, "jibri", w.rig.prosody.passwords["jibri"],
                         port=w.rig.prosody.port, resource=jid.partition("/")[2]).connect()
    began = time.monotonic()
    try:
        await watching.wait(lambda: watching.nodes() and watching.real_jid(
            watching.nodes()[0]) != jid, 60, "a fresh resource")
        took = time.monotonic() - began
        await asyncio.sleep(3)
        check(thief.is_open, "the two kick each other")
    finally:
        await thief.close()
    return f"back with a fresh one after {took:.0f} s"


@scenario(11, "kick", "odd", timeout=90, background=True)
async def kicked(w):
    watching = w.notes["kicked"]
    nick = await watching.wait_node(40)
    mark, seen = len(w.log()), len(watching.log)
    await watching.admin(nick=nick, role="none")
    gone = await watching.wait(lambda: next(
        (at for at, _, kind in watching.log[seen:] if kind == "unavailable"), None), 5, "the kick")
    await watching.wait_node(40)
    took = time.monotonic() - gone
    check(3 < took or w.focus.was_late(took + 2), f"rejoined after {took:.1f} s")
    await w.wait_log(r"kick|thrown|removed", 5, mark)
    return f"rejoined after {took:.0f} s"


@scenario(12, "ban", "odd", timeout=90, background=True)
async def banned(w):
    watching = w.notes["banned"]
    nick = await watching.wait_node(40)
    mark = len(w.log())
    await watching.admin(jid=f"jibri@{w.rig.prosody.names.auth}", affiliation="outcast")
    await watching.wait(lambda: nick not in watching.nodes(), 5, "the ban")
    said = await w.wait_log(r"[^\n]*(was|is) banned[^\n]*", 45, mark)
    await asyncio.sleep(10)
    check(w.log()[mark:].count("banned") < 20, "a tight loop in the log")
    return said[-90:].strip()


@scenario(13, "room destroyed", "odd", timeout=90, background=True)
async def destroyed(w):
    watching = w.notes["destroyed"]
    await watching.wait_node(40)
    answer = await watching.client.iq(watching.brewery, Node(
        "query", "http://jabber.org/protocol/muc#owner", children=[Node("destroy")]))
    check(answer.get("type") == "result", f"{answer}")
    watching.there.clear()
    began = time.monotonic()
    await asyncio.sleep(1)
    again = await watcher(w, "destroyed", nick="watcher2")
    await again.wait_node(60)
    return f"rejoined within {time.monotonic() - began:.0f} s"


@scenario(14, "lost membership unnoticed", "odd", timeout=120, background=True)
async def forgotten(w):
    watching = w.notes["forgotten"]
    nick = await watching.wait_node(40)
    watching.client.send(Node("message", CLIENT, {"to": watching.brewery, "type": "normal"}, [
        Node("forget", "urn:telerec:test", {"nick": nick})]))
    began = time.monotonic()
    watching.there.clear()
    await watching.wait_node(SELF_PING_S)
    return f"rejoined after {time.monotonic() - began:.0f} s"


@scenario(15, "focus absent", "odd", timeout=180, background=True)
async def focus_absent(w):
    said = await w.wait_log(r"[^\n]*nofocus[^\n]*Jicofo is not[^\n]*", 165)
    check(w.notes["nofocus"].nodes(), "the node left")
    return said[-90:].strip()


@scenario(16, "brewery case")
async def brewery_case(w):
    room = w.rig.prosody.names.brewery_room
    check(room != room.lower(), "the configured room has no upper case")
    check(w.nicks(), "no node")


@scenario(17, "presence storm", "odd", timeout=90, background=True)
async def storm(w):
    await w.notes["storm"].wait_node(40)

    def memory():
        with open(f"/proc/{w.rig.telerecd.pid}/statm") as file:
            return int(file.read().split()[1]) * 4
    before = memory()
    crowd = [Scripted(w.rig.prosody, f"other-{i}", brewery=brewery_of(w.rig, "storm"))
             for i in range(CROWD)]
    for first in range(0, CROWD, 10):
        await asyncio.gather(*(c.start() for c in crowd[first:first + 10]))
    await w.notes["storm"].wait(lambda: len(w.notes["storm"].nodes()) == CROWD + 1, 20,
                                "everybody in the brewery")
    await asyncio.sleep(1)
    after = memory()
    for c in crowd:
        await c.stop()
    check(after - before < 16384, f"telerecd grew from {before} to {after} kB")
    return f"telerecd {before} kB before, {after} kB with {CROWD} others"
