"""The ordinary Go client."""

import json
import os
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from onair.core.finding import Finding, OnairError

ERROR_LINES = 8


def run(folder: Path, environment: Mapping[str, str], arguments: Sequence[str], about: str) -> str:
    """Run ``go`` and return its standard output.

    Parameters
    ----------
    folder
        A folder with a ``go.mod``.
    environment
        Settings on top of the caller's own environment (which may name a proxy and caches).
    about
        The tool this is for; stands in the error.

    Raises
    ------
    OnairError
        ``go`` is missing or failed; names the tool and Go's own words.
    """
    done = subprocess.run(
        [_program(), *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise _failed(folder, about, (done.stderr or done.stdout).splitlines())
    return done.stdout


def watch(
    folder: Path,
    environment: Mapping[str, str],
    arguments: Sequence[str],
    about: str,
    on_line: Callable[[str], None],
) -> None:
    """Run ``go`` and hand on each line it prints as it comes.

    An interrupt, or an exception from ``on_line``, stops ``go`` and the compilers it started.

    Raises
    ------
    OnairError
        As for :func:`run`.
    """
    last, told = deque[str](maxlen=200), deque[str](maxlen=200)  # hundreds of packages may follow the error
    with subprocess.Popen(
        [_program(), *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            for line in process.stdout or ():
                last.append(line.rstrip())
                if _tells(last[-1]):
                    told.append(last[-1])
                on_line(last[-1])
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    if process.returncode != 0:
        raise _failed(folder, about, list(told or last))


def module_folder(folder: Path, environment: Mapping[str, str], module: str, about: str) -> Path:
    """Return where the module cache has ``module``; it is fetched when it is not there.

    Raises
    ------
    OnairError
        The module cannot be had, or differs from ``go.sum``.
    """
    found = json.loads(run(folder, environment, ["mod", "download", "-json", module], about))
    return Path(found["Dir"])


def _program() -> str:
    program = shutil.which("go")
    if program is None:
        mend = "install Go 1.21 or newer (https://go.dev/doc/install) and put it on PATH"
        raise OnairError(Finding(rule="toolchain/go", what="the command `go` was not found", mend=mend))
    return program


def _tells(line: str) -> bool:
    """Tell a line of what went wrong, after `go:`, `#` or a file position, from the packages that -v lists."""
    return (line.startswith(("go: ", "#")) or ": " in line) and not line.startswith(
        ("go: downloading ", "go: finding ")
    )


def _failed(folder: Path, about: str, lines: list[str]) -> OnairError:
    telling = [line for line in lines if _tells(line)]
    words = "\n".join((telling or lines)[-ERROR_LINES:])
    signs = ("dial tcp", "proxy", "GOPROXY", "toolchain not available", "no such host")
    if any(sign in words for sign in signs):
        rule, why = "toolchain/module", "its source comes from the Go module proxy"
        mend = "check the network and `go env GOPROXY`, then run the same command again"
    else:
        rule, why, mend = "toolchain/build", "", f"see the message; the module is {folder}/go.mod"
    return OnairError(Finding(rule=rule, what=f"{about}: {words}", why=why, mend=mend))
