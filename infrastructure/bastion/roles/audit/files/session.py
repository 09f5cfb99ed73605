#!/usr/bin/python3
"""What every session of the bastion starts in: says who came, from where and for what, then records it to its end.

sshd runs it as the person, in place of what they asked for. Who was invited and has no second factor yet can do nothing
but enrol; everybody else gets a shell or the command, inside tlog, which writes the terminal into the journal.
"""

import json
import os
import pwd
import sys
import syslog
from pathlib import Path

RECORDER = "/usr/bin/tlog-rec-session"
ENROL = ["/usr/bin/sudo", "--non-interactive", "/usr/local/sbin/bastion-second-factor", "enrol"]
INVITED, SEALED = Path("/var/lib/bastion/invited"), Path("/etc/bastion/sealed")


def record(person: str, event: str, level: int) -> None:
    """Write one line of JSON about this session into the journal."""
    address = os.environ.get("SSH_CONNECTION", "?").split()[0]
    what = os.environ.get("SSH_ORIGINAL_COMMAND") or "shell"
    told = {"event": event, "who": person, "from": address, "what": what, "terminal": os.environ.get("SSH_TTY", "")}
    syslog.syslog(level, json.dumps(told, sort_keys=True))


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
    command = os.environ.get("SSH_ORIGINAL_COMMAND")
    os.execv(RECORDER, [RECORDER, *(["-c", command] if command else [])])  # noqa: S606


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"bastion-session: no session without its record: {error}")
