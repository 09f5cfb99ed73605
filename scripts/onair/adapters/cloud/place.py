"""Where Terraform builds: an emulator on this machine, or an account that somebody named."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onair.core.finding import Finding, OnairError

DATA = Path("build/cloud")
BEFORE = DATA / "before.json"
"""What there was before the first build; an emulator's end is the end of it."""
EMULATED_ACCOUNT = "123456789012"
START_SECONDS = 90


@dataclass(frozen=True)
class Place:
    """A place to build in.

    Attributes
    ----------
    account
        Id of the account.
    environment
        What Terraform and boto3 are run with, beside our own environment.
    """

    account: str
    environment: Mapping[str, str]
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def emulated(self) -> bool:
        """Whether it is the emulator."""
        return "AWS_ENDPOINT_URL" in self.environment

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return a client of boto3, made once: making one takes longer than what most are asked."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self._client(service, region)
        return self._clients[service, region]

    def _client(self, service: str, region: str) -> Any:  # noqa: ANN401
        import boto3  # noqa: PLC0415 - takes a second
        from botocore.config import Config  # noqa: PLC0415

        path_style = {"addressing_style": "path"} if self.emulated else {}
        settings = Config(retries={"total_max_attempts": 3}, connect_timeout=5, read_timeout=60, s3=path_style)
        keys = {
            "endpoint_url": self.environment.get("AWS_ENDPOINT_URL"),
            "aws_access_key_id": self.environment.get("AWS_ACCESS_KEY_ID"),
            "aws_secret_access_key": self.environment.get("AWS_SECRET_ACCESS_KEY"),
        }
        return boto3.client(service, region_name=region, config=settings, **keys)


def account(number: str, region: str) -> Place:
    """Return the account that our credentials are for, which must be ``number``.

    Raises
    ------
    OnairError
        The credentials are another account's, or none that work.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    place = Place(number, {})
    try:
        is_ = str(place.client("sts", region).get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        mend = "sign in again, e.g. aws sso login; nothing was changed"
        raise OnairError(Finding(rule="cloud/credentials", what=str(error), mend=mend)) from error
    if is_ != number:
        what = f"the credentials are for account {is_}, --aws names {number}"
        mend = "use the other account's credentials, or name this account; nothing was changed"
        raise OnairError(Finding(rule="cloud/account", what=what, mend=mend))
    return place


def emulator(root: Path, *, start: bool) -> Place:
    """Return the emulator of this clone, started where ``start`` says so and it does not run.

    Raises
    ------
    OnairError
        It does not run, or does not start.
    """
    file = root / DATA / "emulator.json"
    held = _running(file)
    if held is None and not start:
        finding = Finding(rule="cloud/emulator", what="nothing was built here", mend="run: onair cloud up")
        raise OnairError(finding)
    port = held["port"] if held else _start(root, file)
    return Place(
        EMULATED_ACCOUNT,
        {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "emulated",
            "AWS_SECRET_ACCESS_KEY": "emulated",
            "AWS_EC2_METADATA_DISABLED": "true",
            "TF_VAR_emulated": "true",
        },
    )


def stop(root: Path) -> None:
    """End the emulator of this clone; what was built in it is gone."""
    file = root / DATA / "emulator.json"
    held = _running(file)
    if held:
        os.kill(held["pid"], signal.SIGTERM)
    file.unlink(missing_ok=True)


def _running(file: Path) -> dict[str, int] | None:
    with suppress(OSError, ValueError, KeyError):
        held: dict[str, int] = json.loads(file.read_text())
        if b"emulator" in Path(f"/proc/{held['pid']}/cmdline").read_bytes():
            return held
    return None


def _start(root: Path, file: Path) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    (root / BEFORE).unlink(missing_ok=True)
    log = file.with_name("emulator.log")
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "emulator", str(port)],
            env={**os.environ, "PYTHONPATH": str(root / "tests")},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/emulator/missing", timeout=5).close()
            file.write_text(json.dumps({"pid": process.pid, "port": port}))
            return port
        time.sleep(0.2)
    process.kill()
    mend = f"see {log.relative_to(root)}; make .venv/dev.stamp installs what it stands on"
    raise OnairError(Finding(rule="cloud/emulator", what="the emulator did not start", mend=mend))
