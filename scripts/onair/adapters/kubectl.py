"""kubectl as a user would call it, and waiting with a reason."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from onair.core.finding import Finding, OnairError


class Kubectl:
    """kubectl with one kubeconfig.

    Parameters
    ----------
    binary
        The toolchain's kubectl.
    kubeconfig
        Which cluster, as whom.
    timeout
        Seconds that a single request may take.
    """

    def __init__(self, binary: Path, kubeconfig: Path, timeout: float = 10) -> None:
        self.kubeconfig = kubeconfig
        self.command = [str(binary), f"--kubeconfig={kubeconfig}", f"--request-timeout={timeout:g}s"]

    def run(self, *words: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run kubectl.

        Raises
        ------
        OnairError
            If it fails and ``check`` is set; carries kubectl's message.
        """
        done = subprocess.run([*self.command, *words], input=text, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise OnairError(Finding(rule="kubernetes/request", what=f"kubectl {words[0]}: {done.stderr.strip()}"))
        return done


def wait(what: str, seconds: float, done: Callable[[], bool | str], interval: float = 0.5) -> None:
    """Poll ``done`` until it is True.

    Parameters
    ----------
    what
        Named in the error.
    seconds
        How long to wait at most.
    done
        Returns True, or False or the reason why not yet.
    interval
        Pause between two looks, seconds.

    Raises
    ------
    OnairError
        When the time is over; carries the last reason.
    """
    deadline = time.monotonic() + seconds
    while (state := done()) is not True:
        if time.monotonic() > deadline:
            reason = f": {state}" if state else ""
            raise OnairError(
                Finding(
                    rule="platform/timeout",
                    what=f"{what} not reached within {seconds:g} s{reason}",
                    mend="onair status says what is wrong; run make up again, it goes on where it stands",
                )
            )
        time.sleep(interval)
