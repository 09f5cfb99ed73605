"""A line between regions that can be lost."""

from __future__ import annotations

import asyncio


class Link:
    """A TCP proxy that stops to forward when it is cut: connections stay and hear nothing, as on a lost line."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Link:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def cut(self, reset: bool = False) -> None:
        self._open.clear()
        if reset:
            for task in self._tasks:
                task.cancel()

    def heal(self) -> None:
        """Forward again, on new connections: those of before were given up."""
        for task in self._tasks:
            task.cancel()
        self._open.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._server:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far: asyncio.StreamWriter | None = None
        try:
            await self._open.wait()
            back, far = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(self._pump(reader, far), self._pump(back, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for each in (writer, far):
                if each:
                    each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        raise OSError("ended")
