"""A small XMPP client over asyncio, for the doubles of the tests: STARTTLS or direct TLS, SCRAM or
PLAIN, resource binding. It shares no code with the product on purpose. Python 3.11's library only.

A stanza is a Node, on the way in and out. Nothing is re-sent and nothing reconnects by itself: who
uses it hears of the end (`closed`), and decides.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import ssl
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

STREAM = "http://etherx.jabber.org/streams"
CLIENT = "jabber:client"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"
MUC = "http://jabber.org/protocol/muc"
MUC_USER = MUC + "#user"
MUC_OWNER = MUC + "#owner"
PING = "urn:xmpp:ping"


SPACES = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}   # kept in attributes only like this


class XmppError(Exception):
    """The stream or the log-in failed; `condition` is the element's name."""

    def __init__(self, condition, text=""):
        super().__init__(f"{condition}{': ' + text if text else ''}")
        self.condition = condition


class Node:
    """An element: name, namespace, attributes, children (Nodes and strings)."""

    __slots__ = ("name", "ns", "attrs", "children")

    def __init__(self, name, ns=None, attrs=None, children=()):
        self.name, self.ns = name, ns
        self.attrs = dict(attrs or {})
        self.children = list(children)

    def get(self, name, default=None):
        return self.attrs.get(name, default)

    def elements(self):
        return [c for c in self.children if isinstance(c, Node)]

    def find(self, name, ns=None):
        for child in self.elements():
            if child.name == name and (ns is None or child.ns == ns):
                return child
        return None

    def find_all(self, name, ns=None):
        return [c for c in self.elements() if c.name == name and (ns is None or c.ns == ns)]

    def text(self):
        return "".join(c for c in self.children if isinstance(c, str))

    def error_condition(self):
        """The condition of an error stanza, "" without one."""
        error = self.find("error")
        for child in error.elements() if error else ():
            if child.ns == STANZAS and child.name != "text":
                return child.name
        return ""

    def __str__(self):
        return self.to_xml(CLIENT)

    def to_xml(self, outer_ns=None):
        ns = self.ns or outer_ns
        parts = ["<", self.name]
        if ns != outer_ns:
            parts += [" xmlns=", quoteattr(ns)]
        for key, value in self.attrs.items():
            if value is not None:
                parts += [" ", key, "=", quoteattr(str(value), SPACES)]
        if not self.children:
            parts.append("/>")
            return "".join(parts)
        parts.append(">")
        for child in self.children:
            parts.append(escape(child) if isinstance(child, str) else child.to_xml(ns))
        parts += ["</", self.name, ">"]
        return "".join(parts)


PROSODY_READS = 8192  # bytes at a time


class Parser:
    """Bytes of a stream in, Nodes at depth one out. The stream's own tag comes as (None, Node)."""

    def __init__(self):
        self.events = []
        self.stack = []
        self.parser = expat.ParserCreate(namespace_separator="\n")
        self.parser.buffer_text = True
        # A tag that came in pieces is told at once, not when as much again has come.
        if hasattr(self.parser, "SetReparseDeferralEnabled"):
            self.parser.SetReparseDeferralEnabled(False)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    @staticmethod
    def _split(name):
        ns, _, local = name.rpartition("\n")
        return local, ns or None

    def _start(self, name, attrs):
        local, ns = self._split(name)
        attrs = {("xml:" + k.rpartition("\n")[2] if "\n" in k else k): v for k, v in attrs.items()}
        node = Node(local, ns, attrs)
        if len(self.stack) > 1:
            self.stack[-1].children.append(node)
        self.stack.append(node)
        if len(self.stack) == 1:
            self.events.append(("open", node))

    def _end(self, _name):
        node = self.stack.pop()
        if len(self.stack) == 1:
            self.events.append(("stanza", node))
        elif not self.stack:
            self.events.append(("close", node))

    def _text(self, text):
        if len(self.stack) > 1:
            self.stack[-1].children.append(text)

    def feed(self, data):
        self.parser.Parse(data, False)
        events, self.events = self.events, []
        return events


class Scram:
    def __init__(self, mechanism, user, password):
        self.hash = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}[mechanism]
        self.password = password.encode()
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.nonce = base64.b64encode(os.urandom(18)).decode()
        self.bare = f"n={name},r={self.nonce}"
        self.server_signature = None

    def first(self):
        return ("n,," + self.bare).encode()

    def final(self, challenge):
        fields = dict(part.split("=", 1) for part in challenge.decode().split(","))
        if not fields["r"].startswith(self.nonce):
            raise XmppError("scram", "the server changed our nonce")
        salted = hashlib.pbkdf2_hmac(
            self.hash, self.password, base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = hmac.digest(salted, b"Client Key", self.hash)
        stored = hashlib.new(self.hash, client_key).digest()
        without_proof = f"c=biws,r={fields['r']}"
        message = f"{self.bare},{challenge.decode()},{without_proof}".encode()
        signature = hmac.digest(stored, message, self.hash)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        server_key = hmac.digest(salted, b"Server Key", self.hash)
        self.server_signature = hmac.digest(server_key, message, self.hash)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def check(self, success):
        if base64.b64decode(dict([success.decode().split("=", 1)])["v"]) != self.server_signature:
            raise XmppError("scram", "the server does not know the password")


class Client:
    """One connection. `on_stanza(node)` gets whatever is no answer to one of our own IQs."""

    def __init__(self, domain, user, password, host="127.0.0.1", port=5222, resource=None,
                 on_stanza=None, tls="starttls", ca_file=None):
        self.domain, self.user, self.password = domain, user, password
        self.host, self.port, self.resource = host, port, resource
        self.on_stanza = on_stanza or (lambda node: None)
        self.tls, self.ca_file = tls, ca_file
        self.jid = None
        self.closed = asyncio.Event()
        self.reason = ""
        self.sent_log = None  # a list, when somebody wants to see what is sent
        self._reader = self._writer = self._task = None
        self._waiting = {}
        self._count = 0
        self._events = []
        self._parser = None

    # The log-in

    def _context(self):
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.ca_file:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def connect(self, timeout=180):
        try:
            await asyncio.wait_for(self._log_in(), timeout)
        except BaseException:
            if self._writer:
                self._writer.close()
            raise
        self._task = asyncio.create_task(self._read())
        return self

    async def _log_in(self):
        direct = self._context() if self.tls == "direct" else None
        self._reader, self._writer = await asyncio.open_connection(
            self.host, self.port, ssl=direct, server_hostname=self.domain if direct else None)
        features = await self._open()
        if self.tls == "starttls":
            if not features.find("starttls", TLS):
                raise XmppError("no-starttls")
            self.send(Node("starttls", TLS))
            answer = await self._next()
            if answer.name != "proceed":
                raise XmppError("starttls", str(answer))
            await self._writer.start_tls(self._context(), server_hostname=self.domain)
            features = await self._open()
        await self._authenticate(features)
        features = await self._open()
        bind = Node("bind", BIND)
        if self.resource:
            bind.children.append(Node("resource", BIND, children=[self.resource]))
        self.send(Node("iq", CLIENT, {"type": "set", "id": "bind"}, [bind]))
        answer = await self._next()
        if answer.get("type") != "result":
            raise XmppError("bind", answer.error_condition())
        self.jid = answer.find("bind").find("jid").text()

    async def _open(self):
        self._parser = Parser()
        self._events = []
        self._writer.write(
            f"<?xml version='1.0'?><stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' "
            f"to={quoteattr(self.domain)} version='1.0'>".encode())
        await self._writer.drain()
        return await self._next()

    async def _next(self):
        while True:
            while self._events:
                kind, node = self._events.pop(0)
                if kind == "close":
                    raise XmppError("closed")
                if kind == "open":
                    continue
                if node.name == "error" and node.ns == STREAM:
                    raise XmppError(*[c.name for c in node.elements()][:1] or ["undefined"])
                return node
            data = await self._reader.read(65536)
            if not data:
                raise XmppError("closed")
            self._events += self._parser.feed(data)

    async def _authenticate(self, features):
        offered = [m.text() for m in features.find("mechanisms", SASL).find_all("mechanism")]
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "ANONYMOUS"):
            if mechanism in offered and (mechanism == "ANONYMOUS") == (self.user is None):
                break
        else:
            raise XmppError("no-mechanism", " ".join(offered))
        scram = None
        if mechanism == "PLAIN":
            first = f"\0{self.user}\0{self.password}".encode()
        elif mechanism == "ANONYMOUS":
            first = b""
        else:
            scram = Scram(mechanism, self.user, self.password)
            first = scram.first()
        self.send(Node("auth", SASL, {"mechanism": mechanism}, [base64.b64encode(first).decode()]))
        while True:
            answer = await self._next()
            if answer.name == "challenge" and scram:
                reply = scram.final(base64.b64decode(answer.text()))
                self.send(Node("response", SASL, children=[base64.b64encode(reply).decode()]))
            elif answer.name == "success":
                if scram:
                    scram.check(base64.b64decode(answer.text()))
                return
            else:
                raise XmppError(*[c.name for c in answer.elements()][:1] or [answer.name])

    # Running

    async def _read(self):
        try:
            while True:
                self._dispatch(await self._next())
        except (XmppError, OSError, expat.ExpatError) as error:
            self.reason = getattr(error, "condition", "") or str(error)
        finally:
            self._writer.close()
            for future, _ in self._waiting.values():
                if not future.done():
                    future.set_exception(XmppError("closed"))
            self._waiting.clear()
            self.closed.set()

    def _dispatch(self, node):
        if node.name == "iq" and node.get("type") in ("result", "error"):
            future, on_answer = self._waiting.pop(node.get("id"), (None, None))
            if future:
                if not future.done():
                    future.set_result(on_answer(node) if on_answer else node)
                return
        self.on_stanza(node)

    @property
    def is_open(self):
        return self._task is not None and not self.closed.is_set()

    def send(self, stanza):
        """A Node, or text as it shall be on the wire. Lost silently when the connection is."""
        text = stanza if isinstance(stanza, str) else stanza.to_xml(CLIENT)
        if self.sent_log is not None:
            self.sent_log.append(text)
        if self._writer and not self._writer.is_closing():
            data = text.encode()
            # Prosody takes a tag that came in pieces only when as much again has come (see Parser):
            # it gets as much of what means nothing between stanzas (RFC 6120, 4.6.1).
            if len(data) > PROSODY_READS:
                data += b" " * len(data)
            self._writer.write(data)

    def next_id(self):
        self._count += 1
        return f"d{self._count}-{os.urandom(4).hex()}"

    async def iq(self, to, child, type="set", timeout=60, id=None, on_answer=None):
        """The answer's Node, also when it is an error, or what on_answer(node) makes of it at once,
        before the next stanza is looked at. TimeoutError without one."""
        id = id or self.next_id()
        future = asyncio.get_running_loop().create_future()
        self._waiting[id] = (future, on_answer)
        children = child if isinstance(child, list) else [child] if child else []
        self.send(Node("iq", CLIENT, {"type": type, "id": id, "to": to}, children))
        try:
            return await asyncio.wait_for(future, timeout)
        finally:
            self._waiting.pop(id, None)

    def answer(self, request, child=None, **attrs):
        attrs = {"type": "result", "id": request.get("id"), "to": request.get("from"), **attrs}
        self.send(Node("iq", CLIENT, attrs, [child] if child else []))

    def refuse(self, request, condition, type="cancel", text=None):
        error = Node("error", CLIENT, {"type": type}, [Node(condition, STANZAS)])
        if text:
            error.children.append(Node("text", STANZAS, children=[text]))
        self.send(Node("iq", CLIENT, {"type": "error", "id": request.get("id"),
                                      "to": request.get("from")}, [error]))

    async def close(self):
        if not self._task:
            return
        if not self.closed.is_set():
            try:
                self._writer.write(b"</stream:stream>")
                await asyncio.wait_for(self.closed.wait(), 2)
            except (OSError, asyncio.TimeoutError):
                pass
        self._task.cancel()
        self._writer.close()

    def abort(self):
        """The connection dies without a word."""
        if self._writer:
            self._writer.transport.abort()


def bare(jid):
    """localpart@domain in lower case."""
    return jid.split("/", 1)[0].lower()


def nick(jid):
    return jid.split("/", 1)[1] if "/" in jid else ""


def muc_statuses(presence):
    x = presence.find("x", MUC_USER)
    return {s.get("code") for s in x.find_all("status")} if x else set()


def muc_config_form(fields):
    x = Node("x", "jabber:x:data", {"type": "submit"}, [
        Node("field", None, {"var": "FORM_TYPE"}, [
            Node("value", None, children=[MUC + "#roomconfig"])])])
    for var, value in fields.items():
        x.children.append(Node("field", None, {"var": var}, [
            Node("value", None, children=[value])]))
    return Node("query", MUC_OWNER, children=[x])
