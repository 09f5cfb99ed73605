#!/usr/bin/python3 -I
"""Second factors of the bastion's people: an administrator invites, the person enrols at the first login.

``bastion-second-factor invite PERSON`` prints a code that is good for one login within a day. That login, with the
person's own key, runs ``enrol`` and nothing else: it shows the secret for an authenticator app and recovery codes, each
once, and ends when the app's code was typed. A stolen key alone can therefore not enrol.
"""

import base64
import hashlib
import hmac
import os
import pwd
import secrets
import struct
import sys
import syslog
import time
from pathlib import Path

STATE = Path("/var/lib/bastion")
SECRETS, INVITED = STATE / "second-factor", STATE / "invited"
UIDS = range(3000, 4000)
INVITATION_SECONDS = 24 * 3600
STEP_SECONDS, DIGITS, TRIES, RECOVERY_CODES = 30, 6, 3, 8
OPTIONS = ('" RATE_LIMIT 3 30', '" WINDOW_SIZE 3', '" DISALLOW_REUSE', '" TOTP_AUTH')
"""As pam_google_authenticator writes them: three tries in 30 s, one step of clock skew, no code twice."""


def code_at(secret: str, moment: float) -> str:
    """Return the code of RFC 6238 (SHA-1, 30 s, six digits), as apps show it."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(moment) // STEP_SECONDS), hashlib.sha1).digest()
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 0xF)
    return f"{(number & 0x7FFFFFFF) % 10**DIGITS:0{DIGITS}}"


def fits(secret: str, typed: str, moment: float) -> bool:
    """Tell whether a typed code is this step's or a neighbour's."""
    codes = [code_at(secret, moment + STEP_SECONDS * step) for step in (-1, 0, 1)]
    return any(hmac.compare_digest(code, typed) for code in codes)


def keep(person: str, secret: str, codes: list[str]) -> None:
    """Write a person's secret whole or not at all, for root alone."""
    target = SECRETS / person
    made = target.with_name(f".{person}.new")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write("\n".join([secret, *OPTIONS, *codes, ""]))
    made.replace(target)


def drawn() -> str:
    """Return a new secret: 160 bits."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def recovery_code() -> str:
    """Return a code of eight digits that pam_google_authenticator takes once."""
    return str(10_000_000 + secrets.randbelow(90_000_000))


def invite(person: str) -> None:
    """Draw a one-time code for a person's first login, in place of any second factor they had."""
    try:
        known = pwd.getpwnam(person).pw_uid in UIDS
    except KeyError:
        known = False
    if not known:
        sys.exit(
            f"bastion-second-factor: no person {person!r} here: add them to the people's file and run the playbook"
        )
    code = recovery_code()
    keep(person, drawn(), [code])
    (INVITED / person).touch(mode=0o600)
    os.utime(INVITED / person)
    syslog.syslog(syslog.LOG_NOTICE, f"second factor: {person} invited by {os.environ.get('SUDO_USER', 'root')}")
    print(code)


def enrol(person: str) -> None:
    """Show a person their own secret and recovery codes, and take them into use once the app's code was typed."""
    mark = INVITED / person
    if not mark.exists():
        sys.exit("bastion-second-factor: you are enrolled already; who lost the second factor asks a platform admin")
    if time.time() - mark.stat().st_mtime > INVITATION_SECONDS:
        (SECRETS / person).unlink(missing_ok=True)
        mark.unlink()
        sys.exit("bastion-second-factor: the invitation is older than a day: ask a platform admin for another")
    secret, codes = drawn(), [recovery_code() for _ in range(RECOVERY_CODES)]
    print("Your second factor. Neither the secret nor the recovery codes are shown again.")
    print(f"secret:   {secret}")
    print(f"for apps: otpauth://totp/onair:{person}?secret={secret}&issuer=onair")
    print(f"recovery: {' '.join(codes)}")
    for _ in range(TRIES):
        print("The code that your app shows now:", flush=True)
        if fits(secret, sys.stdin.readline().strip(), time.time()):
            keep(person, secret, codes)
            mark.unlink()
            syslog.syslog(syslog.LOG_NOTICE, f"second factor: {person} enrolled")
            print("Enrolled. Log in again with your key and a code.")
            return
        print("That is not the code.")
    sys.exit("bastion-second-factor: not enrolled; ask a platform admin for another invitation")


def main(words: list[str]) -> None:
    """Run ``invite PERSON`` or, for whom sudo runs it, ``enrol``."""
    syslog.openlog("bastion-second-factor", facility=syslog.LOG_AUTHPRIV)
    if words[:1] == ["invite"] and len(words) == 2:
        invite(words[1])
    elif words == ["enrol"] and os.environ.get("SUDO_USER"):
        enrol(os.environ["SUDO_USER"])
    else:
        sys.exit("usage: bastion-second-factor invite PERSON | sudo bastion-second-factor enrol")


if __name__ == "__main__":
    main(sys.argv[1:])
