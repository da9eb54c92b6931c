"""A TCP proxy that fails on demand: between a recorder and its server."""

import asyncio


class Proxy:
    """listen -> (host, port). Its ways to fail are for all connections, present and future."""

    def __init__(self, port, host="127.0.0.1"):
        self.target = (host, port)
        self.port = None
        self.flow = asyncio.Event()   # cleared: nothing is read or written, nothing is closed
        self.flow.set()
        self.is_dropping = False      # what is read is thrown away
        self.bytes_per_s = 0          # 0: as fast as it goes
        self.pairs = set()
        self.accepted = []            # the loop's time of each connection
        self._server = None
        self._listen_port = 0

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._listen_port)
        self.port = self._listen_port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        self.cut()
        if self._server:
            self._server.close()
            self._server = None

    async def _serve(self, reader, writer):
        self.accepted.append(asyncio.get_running_loop().time())
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self.pairs.add(pair)
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self.pairs.discard(pair)
            for end in pair:
                end.transport.abort()

    async def _pump(self, reader, writer):
        while data := await reader.read(16384):
            await self.flow.wait()
            if self.is_dropping:
                continue
            if self.bytes_per_s:
                await asyncio.sleep(len(data) / self.bytes_per_s)
            writer.write(data)
            await writer.drain()
        # What waited in a black hole dies with it.
        await self.flow.wait()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()

    def cut(self):
        """All connections die at once (reset)."""
        for pair in list(self.pairs):
            for end in pair:
                end.transport.abort()

    def refuse(self):
        """Nobody listens any more, and all connections die."""
        self._server.close()
        self._server = None
        self.cut()

    def pause(self):
        """Packets are held back; go() lets them through."""
        self.flow.clear()

    def black_hole(self):
        """Packets vanish, for ever."""
        self.is_dropping = True

    def go(self):
        """Everything new works; what fell into a black hole is cut as a router would in the end."""
        if self.is_dropping:
            self.cut()
        self.is_dropping = False
        if not self._server:
            self._opening = asyncio.create_task(self.start())
        self.bytes_per_s = 0
        self.flow.set()
