"""Scenarios 93 to 100: what the meeting's page is like."""

import http.server
import ssl
import threading

from interop_lib import check, scenario, skip
from interop_run import fails

skip(97, "visitor mode",
     "the page decides: recorders send no visitors' version (there is no visitor node here)")


@scenario(93, "old page")
async def old_page(w):
    await w.record(w.new_room("old-api"), seconds=2)
    await w.idle()


@scenario(94, "URL overrides off", timeout=60)
async def overrides_off(w):
    mark = len(w.log())
    await fails(w, "no-overrides", 40, retry="true")
    await w.wait_log(r"override|iAmRecorder", 5, mark)


@scenario(95, "redirecting base URL", timeout=60)
async def redirecting(w):
    """The page's site never gets a log-in that belongs to another: the demo meeting is strict."""
    await fails(w, "redirect", 40)


@scenario(96, "password-protected room with white list")
async def white_list(w):
    await w.record(w.new_room("locked-for-others"))
    await w.idle()
    return "joins without a prompt; without the list: 78"


@scenario(98, "hidden-from-recorder member alone")
async def hidden_only(w):
    room = w.new_room("hidden-only")
    session_id = await w.start(room)
    off = await w.ended(room, 40)
    check(not off["failure_reason"], f"published {off}")
    await w.idle()


@scenario(99, "two recorders in one room", timeout=90)
async def two_recorders(w):
    """The second is started by another focus, as by a selector; then everybody leaves."""
    room = w.new_room("leave.6")
    session_id, nick = await w.on(room)
    other = await w.other_focus.client_start(room)
    check(other.ok, f"the second start: {other}")
    await w.ended(room, 40)
    await w.other_focus.wait(lambda: w.other_focus.state(room) == "off", 40, "the second's end")
    await w.idle()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>x</title>")

    def log_message(self, *_):
        pass


@scenario(100, "certificate error in the browser", timeout=60)
async def certificate_error(w):
    """The environment "https" has a page whose certificate nobody knows."""
    room, mark = w.new_room(), len(w.log())
    focus = w.https_focus
    focus.settings.retries = 0
    answer = await focus.client_start(room)
    check(answer.ok, f"{answer}")
    off = await focus.wait_published(room, "off", 60)
    check(off["failure_reason"] == "error", f"published {off}")
    said = await w.wait_log(r"[^\n]*certificate[^\n]*|[^\n]*ERR_CERT[^\n]*", 5, mark)
    # Idle to this focus may be what it was before: that it was busy comes by another connection. Not
    # behind an answer on that.
    for nick in w.nicks():
        await w.raw(nick, w.stop_child())
    await w.idle()
    return said[-90:]


def serve_https(rig):
    """A server with the certificate of Prosody: its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(rig.prosody.path("server.crt"), rig.prosody.path("server.key"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
