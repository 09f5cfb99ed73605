"""Smart HTTP git server of the local platform: ``python -m onair.adapters.local.git_server ADDRESS PORT ROOT WRITER``.

git's own ``http-backend`` does the protocol (so hooks run and their output reaches the pusher); this only carries
HTTP to it and back. Everybody in the platform's networks may read; only the machine itself (``WRITER``) may push.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

SPOOL_BYTES = 8 << 20
IDLE_SECONDS = 60


class GitServer(ThreadingHTTPServer):
    """Serves the bare repositories below ``root``."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], root: Path, writer: str) -> None:
        self.root, self.writer = root, writer
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    """Turns one HTTP request into one run of ``git http-backend``."""

    server: GitServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """Answer reference advertisement and clones."""
        self._serve()

    def do_POST(self) -> None:
        """Answer fetches and pushes."""
        self._serve()

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        if "git-receive-pack" in self.path and self.client_address[0] != self.server.writer:
            self.send_error(403, "only the machine itself may push")
            return
        with (
            tempfile.SpooledTemporaryFile(SPOOL_BYTES) as body,
            tempfile.SpooledTemporaryFile(SPOOL_BYTES) as answer,
        ):
            length = self._read_body(body)
            body.rollover()
            answer.rollover()
            body.seek(0)
            code = subprocess.run(
                ["git", "http-backend"],
                stdin=body.fileno(),
                stdout=answer.fileno(),
                env=self._environment(path, query, length),
                check=False,
            ).returncode
            answer.seek(0)
            self._reply(answer, code)

    def _environment(self, path: str, query: str, length: int) -> dict[str, str]:
        settings = {"http.receivepack": "true", "receive.advertisePushOptions": "true", "safe.directory": "*"}
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": os.environ.get("HOME", "/"),
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_PROTOCOL": "HTTP/1.1",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for index, (key, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
        for header, variable in (
            ("Content-Encoding", "HTTP_CONTENT_ENCODING"),
            ("Git-Protocol", "GIT_PROTOCOL"),
        ):
            if header in self.headers:
                environment[variable] = self.headers[header]
        return environment

    def _read_body(self, target: IO[bytes]) -> int:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = int(self.headers.get("Content-Length") or 0)
            target.write(self.rfile.read(length))
            return length
        total = 0
        while size := int(self.rfile.readline().split(b";")[0], 16):
            total += target.write(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        return total

    def _reply(self, answer: IO[bytes], code: int) -> None:
        status, headers = 200, []
        while line := answer.readline().strip():
            key, _, value = line.decode("latin-1").partition(": ")
            if key.lower() == "status":
                status = int(value.split()[0])
            else:
                headers.append((key, value))
        if code and not headers:
            self.send_error(500, f"git http-backend ended with {code}")
            return
        rest = answer.read()
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)


if __name__ == "__main__":
    GitServer((sys.argv[1], int(sys.argv[2])), Path(sys.argv[3]), sys.argv[4]).serve_forever()
