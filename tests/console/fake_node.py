"""A node to look at: answers as conf/openapi.yaml has it, from values that the test sets, and sends
the events that it is told to. For screens with more on them than a test machine can make real."""

import copy
import http.server
import json
import os
import queue
import socketserver
import threading
import time
import urllib.parse

NOW = int(time.time() * 1000)


def progress(**more):
    return dict({
        "ms": int(time.time() * 1000), "time_ms": 754000, "frames_grabbed": 20000,
        "frames_encoded": 18000, "frames_dropped": 3, "video_kbps": 812.5, "bytes": 125829120,
        "peak_db": -12.0, "rms_db": -20.0, "free_bytes": 1 << 38, "drift_ppm": 12.5,
        "sound_gap_ms": 0, "encoder_restarts": 0, "note": ""}, **more)


def session(number, room, **more):
    now = int(time.time() * 1000)
    return dict({
        "session_id": f"session{number}", "slot": number, "folder": f"session{number}",
        "room": f"{room}@conference.meet.example.org", "name": f"{room}_2026", "environment": "prod",
        "kind": "file", "state": "on", "accepted_ms": now - 757000, "on_ms": now - 754000,
        "warning": "",
        "meeting": {"is_joined": True, "participants": 5, "muted": 2, "is_connected": True,
                    "download_kbps": 900},
        "progress": progress(), "streams": []}, **more)


def slot(number, **more):
    return dict({
        "slot": number, "state": "idle", "is_busy": False, "is_healthy": True, "is_held": False,
        "problem": "", "sound": "plugin", "encoder": "software", "display": f":{number}",
        "browser_version": "Chromium 150", "starts": 1, "session": None}, **more)


def recording_slot(number, room="standup", **more):
    return slot(number, state="recording", is_busy=True, session=session(number, room, **more))


def link(number, **more):
    return dict({
        "connection": number, "slot": number, "environment": "prod", "entry": "meet.example.org",
        "nickname": "telerec-0a1b2c3d", "state": "present", "has_focus": True, "problem": "",
        "reconnects": 0}, **more)


def node(slots, **more):
    return dict({
        "id": "telerec-0a1b2c3d", "version": "0.1.0", "started_ms": NOW - 86400000,
        "now_ms": int(time.time() * 1000), "is_draining": False, "is_healthy": True, "problem": "",
        "slot_count": len(slots), "slots_busy": sum(s["is_busy"] for s in slots),
        "slots_healthy": sum(s["is_healthy"] for s in slots), "recordings_finishing": 0,
        "disk": {"path": "/var/lib/telerec/recordings", "state": "fine", "problem": "",
                 "free_bytes": 442381631488, "total_bytes": 536870912000, "hours_left": 310.4,
                 "is_in_memory": False},
        "counts": {}, "links": [link(s["slot"]) for s in slots]}, **more)


class FakeNode:
    """Listens on a Unix socket. `answers` maps "GET /v1/x" (without its query) to a value, bytes, or
    a function of the path that gives one; a tuple is (status, value)."""

    def __init__(self, path, slots):
        self.path = path
        self.slots = slots
        self.node = node(slots)
        self.answers = {}
        self.asked = []  # "POST /v1/drain {...}"
        self.listeners = []
        self.lock = threading.Lock()
        self.server = None
        self.start()

    def start(self):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self):
                return "local"

            def log_message(self, *_):
                pass

            def do_GET(self):
                fake.answer(self, "GET")

            def do_POST(self):
                fake.answer(self, "POST")

            def do_PUT(self):
                fake.answer(self, "PUT")

            def do_DELETE(self):
                fake.answer(self, "DELETE")

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a client that went away

        if os.path.exists(self.path):
            os.unlink(self.path)
        self.server = Server(self.path, Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.1},
                         daemon=True).start()

    def stop(self):
        """As if telerecd were killed: all connections break."""
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.path)
        with self.lock:
            listeners, self.listeners = self.listeners, []
        for listener in listeners:
            listener.put(None)

    def answer(self, handler, method):
        size = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(size).decode(errors="replace")
        path = urllib.parse.urlsplit(handler.path).path
        with self.lock:
            self.asked.append(f"{method} {handler.path}" + (f" {body}" if body else ""))
            value = self.answers.get(f"{method} {path}")
        if path == "/v1/events":
            self.stream(handler)
            return
        if callable(value):
            value = value(handler.path)
        self.send(handler, value if value is not None else self.find(method, path))

    def find(self, method, path):
        with self.lock:
            if (method, path) == ("GET", "/v1/node"):
                return copy.deepcopy(self.node)
            if (method, path) == ("GET", "/v1/slots"):
                return {"slots": copy.deepcopy(self.slots)}
            if (method, path) == ("GET", "/v1/sessions"):
                return {"sessions": [s["session"] for s in self.slots if s["session"]]}
            if (method, path) == ("GET", "/v1/recordings"):
                return {"total": 0, "offset": 0, "recordings": []}
            if (method, path) == ("GET", "/v1/logs"):
                return {"lines": []}
        return 404, {"error": {"status": 404, "sentence": f"there is no {path}"}}

    @staticmethod
    def send(handler, value):
        status, value = value if isinstance(value, tuple) else (200, value)
        is_bytes = isinstance(value, bytes)
        data = value if is_bytes else json.dumps(value).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "image/jpeg" if is_bytes else "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def stream(self, handler):
        events = queue.Queue()
        with self.lock:
            self.listeners.append(events)
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        self.write_event(handler, {"type": "hello", "ms": NOW, "id": self.node["id"],
                                   "version": "0.1.0"})
        while True:
            try:
                event = events.get(timeout=1)
            except queue.Empty:
                handler.wfile.write(b": still here\n\n")
                continue
            if event is None:
                return
            self.write_event(handler, event)

    @staticmethod
    def write_event(handler, event):
        text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        handler.wfile.write(text.encode())
        handler.wfile.flush()

    # ---- the test's side ----

    def tell(self, kind, **more):
        """An event to all who listen."""
        event = dict({"type": kind, "ms": int(time.time() * 1000)}, **more)
        with self.lock:
            for listener in self.listeners:
                listener.put(event)

    def tell_progress(self, number, **more):
        """The slot's progress, also in what is asked for."""
        with self.lock:
            running = self.slots[number - 1]["session"]
            running["progress"] = progress(**more)
            said = running["session_id"]
        self.tell("progress", slot=number, session_id=said, room=running["room"], environment="prod",
                  state="", sentence="", progress=running["progress"])

    def change(self, function):
        """Changes `self` under the lock, and tells that the node changed."""
        with self.lock:
            function(self)
        self.tell("node", slot=0, session_id="", room="", environment="", state="", sentence="")

    def count(self, request):
        with self.lock:
            return sum(line.startswith(request) for line in self.asked)
