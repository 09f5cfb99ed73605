"""What chat is measured against: the usual first version, one pub/sub subscription and one task a socket."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import redis.asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


def create(url: str) -> Starlette:
    """Build the service: same messages, no history, limits or moderation."""
    client = redis.asyncio.from_url(url, max_connections=5000)

    async def endpoint(socket: WebSocket) -> None:
        room = socket.path_params["show"]
        await socket.accept()

        async def forward() -> None:
            async with client.pubsub() as channel:
                await channel.subscribe(room)
                async for message in channel.listen():
                    if message["type"] == "message":
                        await socket.send_text(message["data"].decode())

        task = asyncio.create_task(forward())
        try:
            while True:
                said = json.loads(await socket.receive_text())
                await client.publish(room, json.dumps({"type": "message", "text": said["text"]}, separators=(",", ":")))
        except WebSocketDisconnect:
            pass
        finally:
            task.cancel()

    return Starlette(routes=[WebSocketRoute("/api/chat/rooms/{show}/socket", endpoint)])


if __name__ == "__main__":
    uvicorn.run(
        create(os.environ["VALKEY_URL"]),
        port=int(sys.argv[1]),
        log_level="error",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
    )
