"""The double's HTTP door on loopback, for the demo meeting's Record button and for tests.

  POST /record     {"room": JID, "action": "start" | "stop", "mode": "file" | "stream",
                    "streamid": …, "app_data": …}
                   -> {"status": "pending" | "on" | "off" | "error", "text": …, "session_id": …}
  GET /rooms/JID   -> {"recording": "off" | "pending" | "on", "session_id": …, "failure": …}
  GET /nodes       -> [{"nick": …, "jid": …, "busy": …, "health": …, "available": …}]
  GET /violations  -> [{"rule": …, "nick": …, "text": …}]

Any page may ask (CORS), as the meeting's page comes from another port.
"""

import asyncio
import json
from urllib.parse import unquote, urlsplit

from xmpp import bare, nick

CORS = ("Access-Control-Allow-Origin: *\r\n"
        "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
        "Access-Control-Allow-Headers: Content-Type\r\n"
        "Access-Control-Allow-Private-Network: true\r\n")
STATUS = {200: "OK", 204: "No Content", 400: "Bad Request", 404: "Not Found"}


class Control:
    def __init__(self, focus, port=0):
        self.focus, self.port = focus, port
        self._server = None

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def stop(self):
        if self._server:
            self._server.close()

    async def _serve(self, reader, writer):
        try:
            while request := await self._read(reader):
                status, body = await self._answer(*request)
                data = b"" if status == 204 else json.dumps(body).encode()
                writer.write(f"HTTP/1.1 {status} {STATUS[status]}\r\n{CORS}"
                             "Content-Type: application/json\r\nCache-Control: no-store\r\n"
                             f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
                await writer.drain()
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @staticmethod
    async def _read(reader):
        line = await reader.readline()
        if not line:
            return None
        method, path, _ = line.decode().split(" ", 2)
        length = 0
        while (header := (await reader.readline()).decode().strip()):
            name, _, value = header.partition(":")
            if name.lower() == "content-length":
                length = int(value)
        return method, urlsplit(path).path, await reader.readexactly(min(length, 1 << 20))

    async def _answer(self, method, path, body):
        if method == "OPTIONS":
            return 204, None
        if method == "POST" and path == "/record":
            try:
                request = json.loads(body)
                room, action = request["room"], request["action"]
            except (ValueError, KeyError, TypeError):
                return 400, {"status": "error", "text": "no JSON with room and action"}
            return 200, await self._record(room, action, request)
        if method == "GET" and path.startswith("/rooms/"):
            return 200, self._room(unquote(path[len("/rooms/"):]))
        if method == "GET" and path == "/nodes":
            return 200, [{"nick": r.nick, "jid": r.jid, "busy": r.busy, "health": r.health,
                          "available": r.available} for r in self.focus.recorders.values()]
        if method == "GET" and path == "/violations":
            return 200, [{"rule": v.rule, "nick": nick(v.occupant), "text": v.text}
                         for v in self.focus.violations]
        return 404, {"status": "error", "text": "no such thing"}

    async def _record(self, room, action, request):
        if action == "start":
            answer = await self.focus.client_start(
                room, request.get("mode") or "file", streamid=request.get("streamid"),
                app_data=request.get("app_data"))
        elif action == "stop":
            answer = await self.focus.client_stop(room)
        else:
            answer = None
        if not answer or not answer.ok:
            return {"status": "error", "session_id": "", "text":
                    (answer.text or answer.condition) if answer else "no such action"}
        state = self.focus.state(room)
        return {"status": state, "text": "", "session_id": answer.session_id}

    def _room(self, jid):
        room = self.focus.rooms.get(bare(jid))
        last = room.published[-1] if room and room.published else {}
        session = room.session if room else None
        return {"recording": self.focus.state(jid),
                "session_id": session.id if session else last.get("session_id", ""),
                "failure": last.get("failure_reason") or ""}
