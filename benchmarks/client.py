"""What the load generator itself costs and how late it is, against a bare TLS server on loopback."""

from __future__ import annotations

import multiprocessing
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Literal

from aiohttp import web

from benchmarks.record import Figure, Record, machine, save
from onair.adapters.load_http import run_load
from onair.core.load import LoadPlan

Connections = Literal["kept", "new", "mixed"]
RUNS: tuple[tuple[Connections, float], ...] = (("kept", 200.0), ("new", 200.0), ("kept", 500.0))
LAG_MS = 10.0


def run(seconds: float = 20.0, runs: int = 3) -> Record:
    """Measure each mode ``runs`` times for ``seconds``."""
    before, figures, details = machine(), list[Figure](), list[str]()
    with tempfile.TemporaryDirectory(prefix="onair-bench-") as folder:
        certificate, key = _certificate(Path(folder))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            server = multiprocessing.Process(target=_serve, args=(listener, certificate, key), daemon=True)
            server.start()
            time.sleep(1.0)
            try:
                for connections, rate in RUNS:
                    plan = LoadPlan(
                        url=f"https://localhost:{port}/",
                        rate=rate,
                        duration=seconds,
                        connections=connections,
                        ca_certificate=certificate,
                    )
                    results = [run_load(plan) for _ in range(runs)]
                    name = f"{rate:g}/s over TLS, {connections} connections"
                    late = [r.lag.p99 for r in results]
                    figures += [
                        Figure(
                            name=f"{name}: client", unit="cores", samples=[r.client_cores for r in results], target=1
                        ),
                        Figure(name=f"{name}: sent late, p99", unit="ms", samples=late, target=LAG_MS, judged="median"),
                        Figure(name=f"{name}: response, p99", unit="ms", samples=[r.response.p99 for r in results]),
                    ]
                    for r in results:
                        doubt = "; ".join(r.saturated) or "not saturated"
                        details.append(f"{name}: {r.ok} ok, {r.failed} failed, {r.not_sent} not sent; {doubt}")
            finally:
                server.terminate()
                server.join()
    return save("client", figures, before, details)


def _serve(listener: socket.socket, certificate: Path, key: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="x" * 2000, headers={"x-onair-region": "kr", "x-onair-version": "v1"})

    app = web.Application()
    app.router.add_get("/", answer)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    web.run_app(app, sock=listener, ssl_context=context, print=None, access_log=None)


def _certificate(folder: Path) -> tuple[Path, Path]:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=benchmark"]
    subprocess.run([*command, "-addext", "subjectAltName=DNS:localhost"], cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"
