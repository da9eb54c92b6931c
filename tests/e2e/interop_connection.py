"""Scenarios 18 to 32: connections. Each oddity is an environment of one telerecd ("links"); what
needs a server that restarts is in the world "docker"."""

import asyncio
import os
import time

from interop_brewery import Watcher
from interop_lib import CLIENT, PATIENCE, check, scenario, skip
from proxy import Proxy
from rig import decode_faults, seconds_of
from xmpp import SASL, STREAM

DETECT_S = 65


class NoTls:
    """A server that offers a log-in without encryption, and writes down what it hears."""

    def __init__(self):
        self.heard = b""
        self.count = 0

    async def start(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader, writer):
        self.count += 1
        writer.write(("<?xml version='1.0'?>"
                      f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' "
                      "id='x' version='1.0' from='auth.meet.test'><stream:features>"
                      f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>"
                      "</stream:features>").encode())
        while data := await reader.read(4096):
            self.heard += data
        writer.close()

    async def close(self):
        self.server.close()


LINKS = ("wrongpw", "nohost", "untrusted", "pinned", "trustall", "notls", "halfopen", "twohosts",
         "ipv6", "directtls")


async def environments(w):
    """Also makes the proxies and the server without TLS."""
    rig, auth = w.rig, w.rig.prosody.names.auth
    rig.prosody.write_certificates("-other")
    for name in ("wrongpw", "untrusted", "halfopen"):
        w.notes[name] = await Proxy(rig.prosody.port).start()
        w.closers.append(w.notes[name])
    w.notes["notls"] = await NoTls().start()
    w.closers.append(w.notes["notls"])
    live = f"127.0.0.1:{rig.prosody.port}"

    def server(name):
        return [f"127.0.0.1:{w.notes[name].port}"]
    special = {
        "wrongpw": {"servers": server("wrongpw"), "control": {"password": "not-the-password"}},
        "nohost": {"control": {"domain": "nowhere.test"}},
        "untrusted": {"servers": server("untrusted"), "ca_file": ""},
        "pinned": {"ca_file": "", "fingerprint": rig.prosody.fingerprint("-other")},
        "trustall": {"ca_file": "", "trust_all_certificates": True},
        "notls": {"servers": server("notls")},
        "halfopen": {"servers": server("halfopen")},
        "twohosts": {"servers": ["127.0.0.1:9", live]},
        "ipv6": {"servers": [f"[::1]:{rig.prosody.port}"]},
        "directtls": {"servers": [f"127.0.0.1:{rig.prosody.tls_port}"], "security": "tls"},
    }
    return [rig.environment(name=name, brewery={"domain": f"open.{auth}", "room": name},
                            **special[name]) for name in LINKS]


async def watcher(w, name):
    watching = Watcher(w.rig, f"{name}@open.{w.rig.prosody.names.auth}")
    w.closers.append(watching)
    return await watching.start()


async def joins(w, name, timeout=30):
    watching = await watcher(w, name)
    await watching.wait_node(timeout)
    return watching


@scenario(18, "wrong password", "links", timeout=60, background=True)
async def wrong_password(w):
    said = await w.wait_log(r"[^\n]*wrongpw[^\n]*(password|not-authorized)[^\n]*", 30)
    check("jibri" in said and w.rig.prosody.names.auth in said, f"account or host missing: {said}")
    await asyncio.sleep(15)
    accepted = w.notes["wrongpw"].accepted
    count = sum(at < accepted[0] + 20 for at in accepted)
    check(count <= 3, f"{count} connections within 20 s")
    check("not-the-password" not in w.log(), "the password is in the log")
    return said[-100:].strip()


@scenario(19, "wrong auth domain", "links", timeout=60)
async def wrong_domain(w):
    said = await w.wait_log(r"[^\n]*nohost[^\n]*(host-unknown|does not serve|not know)[^\n]*", 30)
    return said[-100:].strip()


@scenario(20, "untrusted certificate", "links", timeout=60)
async def untrusted(w):
    fingerprint = w.rig.prosody.fingerprint().lower().replace(":", "")
    said = await w.wait_log(r"[^\n]*untrusted[^\n]*certificate[^\n]*", 30)
    check(fingerprint in w.log().lower().replace(":", ""), "the fingerprint is not shown")
    watching = await watcher(w, "untrusted")
    await asyncio.sleep(1)
    check(not watching.nodes(), "it logged in")
    return said[-100:].strip()


@scenario(21, "certificate changed", "links", timeout=60)
async def changed(w):
    said = await w.wait_log(r"[^\n]*pinned[^\n]*(certificate|fingerprint)[^\n]*", 30)
    watching = await watcher(w, "pinned")
    await asyncio.sleep(1)
    check(not watching.nodes(), "it logged in")
    return said[-100:].strip()


@scenario(22, "trust-all", "links", timeout=60)
async def trust_all(w):
    await joins(w, "trustall")
    said = await w.wait_log(r"[^\n]*trustall[^\n]*(trust|certificate)[^\n]*", 5)
    return said[-100:].strip()


@scenario(23, "no STARTTLS offered", "links", timeout=60)
async def no_starttls(w):
    server = w.notes["notls"]
    said = await w.wait_log(r"[^\n]*notls[^\n]*(TLS|encrypt)[^\n]*", 30)
    check(server.count, "it did not connect")
    check(b"<auth" not in server.heard, "it began a log-in without TLS")
    return said[-100:].strip()


@scenario(28, "half-open TCP", "links", timeout=120, background=True)
async def half_open(w):
    proxy = w.notes["halfopen"]
    await joins(w, "halfopen")
    count, began = len(proxy.accepted), time.monotonic()
    proxy.black_hole()
    while len(proxy.accepted) == count:
        check(time.monotonic() - began < DETECT_S * PATIENCE, "not noticed")
        await asyncio.sleep(0.2)
    took = time.monotonic() - began
    proxy.go()
    return f"noticed after {took:.0f} s"


@scenario(29, "two hosts in one environment, one down", "links", timeout=60)
async def two_hosts(w):
    await joins(w, "twohosts")
    said = await w.wait_log(r"[^\n]*127\.0\.0\.1:9\b[^\n]*", 20)
    return said[-100:].strip()


@scenario(31, "IPv6, non-default port, direct TLS", "links", timeout=60)
async def ways(w):
    await joins(w, "directtls")
    if not os.path.exists("/proc/net/if_inet6"):
        return "no IPv6 and no name service here: port and direct TLS only"
    await joins(w, "ipv6")
    return "no name service here: without SRV"


skip("31b", "SRV record", "there is no name service for made-up domains here; the library's part")


@scenario(30, "environment B lost while recording for A", timeout=90)
async def other_lost(w):
    room = w.new_room()
    session_id, nick = await w.on(room)
    w.other_proxy.refuse()
    await w.other_focus.wait(lambda: not w.other_focus.recorders, 25, "B's loss")
    check(w.focus.state(room) == "on", "A's recording suffered")
    w.other_proxy.go()
    await w.other_focus.wait(lambda: len(w.other_focus.recorders) == 2, 45, "B's return")
    check(w.recorder(nick, w.other_focus).busy == "busy", "B is shown another presence")
    await w.stop(room)
    movie = await w.rig.wait_finished(session_id)
    check(not decode_faults(movie), f"{decode_faults(movie)}")
    await w.idle()
    await w.idle(focus=w.other_focus)


@scenario(32, "rate limit", timeout=60)
async def slow_server(w):
    """The server reads nothing for 6 s."""
    room = w.new_room()
    session_id, _ = await w.on(room)
    began = time.monotonic()
    w.rig.proxy.pause()
    await asyncio.sleep(6)
    w.rig.proxy.go()
    await asyncio.sleep(1)
    ran = time.monotonic() - began
    await w.stop(room)
    movie = await w.rig.wait_finished(session_id)
    check(seconds_of(movie) > ran - 2, f"{seconds_of(movie):.1f} s of {ran:.1f} s")
    await w.idle()


@scenario(24, "server restart while idle", "docker", timeout=90)
async def restart_idle(w):
    await w.idle(60)
    w.rig.prosody.stop()
    await asyncio.sleep(1)
    w.rig.prosody.start()
    began = time.monotonic()
    await w.focus.wait(lambda: w.focus.in_brewery and w.focus.recorders, 60, "both back")
    await w.idle()
    return f"back after {time.monotonic() - began:.1f} s"


@scenario(25, "server restart while recording, no resumption", "docker", timeout=120, allowed=(3,))
async def restart_recording(w):
    """With on_control_loss = "stop", Jibri's way. The default goes on: the test of outages."""
    room = w.new_room()
    session_id, nick = await w.on(room)
    await asyncio.sleep(1)
    w.focus.settings.retries = 0
    w.rig.prosody.stop(is_kill=True)
    await asyncio.sleep(3)
    w.rig.prosody.start()
    mark = len(w.focus.events)
    await w.focus.wait(lambda: w.focus.in_brewery and w.focus.recorders, 60, "both back")
    movie = await w.rig.wait_finished(session_id)
    await w.idle()
    check(not decode_faults(movie), f"{decode_faults(movie)}")
    late = [d for _, k, _, d in w.focus.events[mark:] if k == "status"]
    check(not late, f"status IQs of the lost session: {late}")


@scenario(26, "short network loss with resumption", "docker", timeout=90)
async def resumption(w):
    room = w.new_room()
    session_id, nick = await w.on(room)
    mark, log_mark = len(w.focus.events), len(w.log())
    w.rig.proxy.refuse()
    await asyncio.sleep(3)
    w.rig.proxy.go()
    await w.wait_log("goes on where it was", 15, log_mark)
    await asyncio.sleep(1)
    gone = any(k == "gone" for _, k, _, _ in w.focus.events[mark:])
    check(not gone, "the brewery saw it leave")
    check(w.focus.state(room) == "on", "the session suffered")
    await w.stop(room)
    await w.rig.wait_finished(session_id)
    await w.idle()


@scenario(27, "resumption refused", "docker", timeout=120, allowed=(3,))
async def resumption_refused(w):
    room = w.new_room()
    w.focus.settings.retries = 0
    session_id, nick = await w.on(room)
    w.rig.proxy.refuse()
    await w.focus.wait(lambda: not w.focus.recorders, 30, "the node's leaving")
    w.rig.proxy.go()
    began = time.monotonic()
    await w.focus.wait(lambda: w.focus.recorders, 70, "the node's return")
    took = time.monotonic() - began
    movie = await w.rig.wait_finished(session_id)
    check(not decode_faults(movie), f"{decode_faults(movie)}")
    await w.idle()
    return f"back after {took:.0f} s, the recording was ended and kept"
