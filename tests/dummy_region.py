"""A region's gateway as the edge sees it: TLS on loopback addresses, in a process that can be stopped."""

import asyncio
import ssl
import sys

from aiohttp import WSMsgType, web


async def main(region: str, port: int, certificate: str, key: str, addresses: list[str]) -> None:
    state = {"ready": 200, "posts": 0}

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/readyz":
            return web.Response(status=state["ready"])
        if request.path == "/ready-becomes":
            state["ready"] = int(request.query["status"])
        if request.path == "/chat":
            chat = web.WebSocketResponse()
            await chat.prepare(request)
            async for message in chat:
                if message.type == WSMsgType.TEXT:
                    await chat.send_str(f"{region} {message.data}")
            return chat
        if request.method == "POST":
            state["posts"] += 1
        if request.path == "/slow":
            await asyncio.sleep(float(request.query["seconds"]))
        if request.path == "/stream":
            stream = web.StreamResponse()
            await stream.prepare(request)
            for _ in range(5):
                await asyncio.sleep(1)
                await stream.write(b"segment\n")
            return stream
        status = int(request.query.get("status", "200"))
        facts = {
            "region": region,
            "host": request.host,
            "posts": state["posts"],
            "geo": request.headers.get("x-onair-geo"),
        }
        return web.json_response(facts, status=status, headers={"x-onair-region": region, "x-onair-version": "v1"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    for address in addresses:
        await web.TCPSite(runner, address, port, ssl_context=context).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:]))
