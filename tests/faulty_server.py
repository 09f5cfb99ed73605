"""An HTTP server for tests that fails exactly as its handler says: resets, half bodies, silence."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-onair-region: kr\r\nx-onair-version: v1\r\n\r\nhello"
Handler = Callable[[int, int, asyncio.StreamWriter], Awaitable[bool]]


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass
class Server:
    """Calls ``handler(request number, number on its connection, writer)``; False ends the connection."""

    handler: Handler
    port: int = 0
    requests: int = 0
    connections: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        on_connection = 0
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                number, self.requests = self.requests, self.requests + 1
                if not await self.handler(number, on_connection, writer):
                    break
                on_connection += 1
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def start(self) -> None:
        ready = threading.Event()

        async def main() -> None:
            self.loop = asyncio.get_running_loop()
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self.ended.wait()

        self.thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
        self.thread.start()
        assert ready.wait(5)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


Serve = Callable[[Handler], Server]


async def good(_: int, __: int, writer: asyncio.StreamWriter) -> bool:
    writer.write(OK)
    return True
