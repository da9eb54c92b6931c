"""A TCP proxy for scripts, through which things go wrong: prints its port, then does what lines of
standard input say, until that ends.

    hole        nothing is read or written any more, nothing is closed
    slow N      so many bytes a second
    cut         all connections are reset
    go          all is well again; what stood in the hole goes on

    python3 fault_proxy.py PORT
"""

import asyncio
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "focus"))
from proxy import Proxy     # noqa: E402

BUFFER = 32768      # so that not much disappears in the kernel's and our own
SEGMENT = 1448      # of a real network: a loopback's, larger than a window, upsets TCP's time limits


class Narrow(Proxy):
    async def start(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        listener.bind(("127.0.0.1", 0))
        self._server = await asyncio.start_server(self._serve, sock=listener, limit=BUFFER)
        self.port = listener.getsockname()[1]
        return self


async def main():
    proxy = await Narrow(int(sys.argv[1])).start()
    print(proxy.port, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        word, *value = line.split()
        if word == "hole":
            proxy.pause()
        elif word == "slow":
            proxy.bytes_per_s = int(value[0])
        elif word == "cut":
            proxy.cut()
        elif word == "go":
            proxy.go()
    await proxy.stop()


if __name__ == "__main__":
    asyncio.run(main())
