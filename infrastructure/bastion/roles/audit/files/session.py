#!/usr/bin/python3 -I
"""What every session of the bastion starts in: says who came, from where and for what, then records it to its end.

It is everybody's login shell, so that nothing of a person's own (.bashrc, .profile, packages of Python) runs before it.
Who was invited and has no second factor yet can do nothing but enrol; everybody else gets a shell or the command,
inside tlog, which writes the terminal into the journal.
"""

import json
import os
import pwd
import sys
import syslog
from pathlib import Path

RECORDER = "/usr/bin/tlog-rec-session"
SHELL = "/bin/bash"
ENROL = ["/usr/bin/sudo", "--non-interactive", "/usr/local/sbin/bastion-second-factor", "enrol"]
INVITED, SEALED = Path("/var/lib/bastion/invited"), Path("/etc/bastion/sealed")
INPUT, OPEN = 10, 11
"""Descriptors by which a command without a terminal gets at what it is fed, past the recorder."""


def record(person: str, event: str, level: int) -> None:
    """Write one line of JSON about this session into the journal."""
    address = os.environ.get("SSH_CONNECTION", "?").split()[0]
    what = os.environ.get("SSH_ORIGINAL_COMMAND") or "shell"
    told = {"event": event, "who": person, "from": address, "what": what, "terminal": os.environ.get("SSH_TTY", "")}
    syslog.syslog(level, json.dumps(told, sort_keys=True))


def fed(command: str) -> str:
    """Let a command read its own input: tlog ends a recording at the input's end, before the command has done its work.

    tlog gets a pipe that nobody writes to and that stays open as long as it runs; the command gets the real input.
    """
    os.dup2(0, INPUT, inheritable=True)
    reading, writing = os.pipe()
    os.dup2(reading, 0, inheritable=True)
    os.dup2(writing, OPEN, inheritable=True)
    return f"exec <&{INPUT} {INPUT}<&- {OPEN}>&-\n{command}"


def main() -> None:
    """Begin a session."""
    syslog.openlog("bastion-session", facility=syslog.LOG_AUTHPRIV)
    person = pwd.getpwuid(os.getuid()).pw_name
    if (INVITED / person).exists():
        record(person, "enrol", syslog.LOG_NOTICE)
        os.execv(ENROL[0], ENROL)  # noqa: S606
    if person in SEALED.read_text(encoding="utf-8").split():
        record(person, "sealed account used", syslog.LOG_ALERT)
    record(person, "session", syslog.LOG_INFO)
    os.environ["SHELL"] = SHELL
    command = os.environ.get("SSH_ORIGINAL_COMMAND")
    if command and not os.isatty(0):
        command = fed(command)
    os.execv(RECORDER, [RECORDER, "-l", *(["-c", command] if command else [])])  # noqa: S606


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"bastion-session: no session without its record: {error}")
