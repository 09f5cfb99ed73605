"""The bastion's own program for second factors: its codes are RFC 6238's, and nobody enrols uninvited."""

import base64
import importlib.util
import io
import os
import time
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor.totp import TOTP

FILE = Path(__file__).resolve().parents[3] / "infrastructure/bastion/roles/second_factor/files/second_factor.py"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program with its folders below ``tmp_path``."""
    specification = importlib.util.spec_from_file_location("second_factor", FILE)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    for name in ("SECRETS", "INVITED"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        monkeypatch.setattr(module, name, folder)
    monkeypatch.setattr(module.syslog, "syslog", lambda *_: None)
    return module


@pytest.mark.parametrize("moment", [59, 1111111109, 1234567890, 2000000000, 20000000000])
def test_codes_are_those_of_every_app(program: ModuleType, moment: int) -> None:
    secret = program.drawn()
    app = TOTP(base64.b32decode(secret), 6, hashes.SHA1(), 30)  # noqa: S303 - what RFC 6238 names
    code = app.generate(moment).decode()
    assert program.code_at(secret, moment) == code
    assert program.fits(secret, code, moment + 30), "a step of clock skew"
    assert not program.fits(secret, code, moment + 90)
    assert not program.fits(secret, "", moment)


def test_an_invited_person_enrols_with_the_code_that_the_app_shows(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program.INVITED / "ada").touch()
    secret = program.drawn()
    monkeypatch.setattr(program, "drawn", lambda: secret)
    typed = f"nonsense\n{program.code_at(secret, time.time())}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    program.enrol("ada")
    told = capsys.readouterr().out
    kept = (program.SECRETS / "ada").read_text().splitlines()
    assert kept[0] == secret
    assert '" DISALLOW_REUSE' in kept
    codes = [each for each in kept if each.isdigit()]
    assert len(codes) == program.RECOVERY_CODES
    assert all(len(code) == 8 and code in told for code in codes)
    assert (program.SECRETS / "ada").stat().st_mode & 0o777 == 0o600
    assert not (program.INVITED / "ada").exists()


def test_nobody_enrols_uninvited_or_late_or_with_a_wrong_code(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="enrolled already"):
        program.enrol("ada")
    mark = program.INVITED / "ada"
    mark.touch()
    (program.SECRETS / "ada").write_text("invitation")
    old = time.time() - program.INVITATION_SECONDS - 1
    os.utime(mark, (old, old))
    with pytest.raises(SystemExit, match="older than a day"):
        program.enrol("ada")
    assert not list(program.SECRETS.iterdir()), "a late invitation still opens"
    mark.touch()
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n2\n3\n"))
    with pytest.raises(SystemExit, match="not enrolled"):
        program.enrol("ada")
    assert not (program.SECRETS / "ada").exists()


def test_only_people_of_the_file_are_invited(program: ModuleType) -> None:
    for name in ("root", "no-such-person"):
        with pytest.raises(SystemExit, match="no person"):
            program.invite(name)
    assert not list(program.SECRETS.iterdir())
