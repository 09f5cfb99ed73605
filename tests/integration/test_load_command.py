"""``onair load`` as a person and as another test use it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faulty_server import Serve, good

from onair.adapters.load_process import LoadProcess
from onair.core.load import LoadPlan
from onair.core.load_result import LoadResult

pytestmark = pytest.mark.integration


def cli(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "onair", "load", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_command_line(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    done = cli(
        serve(good).url,
        "--rate",
        "50",
        "--requests",
        "50",
        "--geo",
        "us",
        "--json",
        str(file),
        "--fail-on-error",
    )
    assert done.returncode == 0, done.stderr
    assert "50 ok" in done.stdout
    result = LoadResult.model_validate(json.loads(file.read_text()))
    assert ("x-onair-geo", "us") in result.plan.headers
    refused = cli("http://127.0.0.1:9/", "--requests", "5", "--fail-on-error")
    assert refused.returncode == 1
    assert "connect-refused" in refused.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["http://198.51.100.7/"], "outside the project's networks"),
        (["http://127.0.0.1/", "--rate", "0"], "greater than 0"),
        (["http://127.0.0.1/", "--duration", "soon"], "no duration"),
        (["ftp://127.0.0.1/"], "no http(s) address"),
        (["http://127.0.0.1/", "--header", "nonsense"], "is not 'Name: value'"),
        (["http://127.0.0.1/", "--resolve", "x"], "not host:port:address"),
        (["http://127.0.0.1/", "--body-file", "/no/such"], "cannot read"),
    ],
)
def test_bad_input_is_one_clear_message(words: list[str], message: str) -> None:
    done = cli(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_interrupt_prints_what_was_measured(serve: Serve) -> None:
    server = serve(good)
    command = [sys.executable, "-m", "onair", "load", server.url, "--rate", "50", "--duration", "60s"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + 30
    while server.requests < 20 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert "stopped early" in output
    assert "http-200" in output


def test_load_process(serve: Serve) -> None:
    plan = LoadPlan(url=serve(good).url, rate=100, duration=30, headers=(("x-onair-geo", "kr"),), viewers=3)
    with LoadProcess(plan) as load:
        time.sleep(2.5)
        assert load.running
    assert load.result.plan == plan
    assert load.result.interrupted
    assert load.result.failed == 0
    assert load.result.ok > 50


def test_load_process_that_cannot_start_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)did not start.*outside the project"):
        LoadProcess(LoadPlan(url="http://198.51.100.7/", requests=1)).start()
