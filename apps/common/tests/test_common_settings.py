from __future__ import annotations

import pytest

from onair_common.settings import SettingError, Settings, number, text


def test_reads_what_the_facts_say(region_env: dict[str, dict[str, str]]) -> None:
    settings = Settings.read({"SERVICE_NAME": "web", **region_env["kr"]})
    assert (settings.language, settings.peer_region, settings.port, settings.drain_seconds) == ("ko", "us", 8080, 5)


@pytest.mark.parametrize("missing", ["SERVICE_NAME", "REGION", "CURRENCY", "TIMEZONE"])
def test_names_the_missing_variable(missing: str, region_env: dict[str, dict[str, str]]) -> None:
    env = {"SERVICE_NAME": "web", **region_env["kr"], missing: " "}
    with pytest.raises(SettingError, match=f"{missing}: not set"):
        Settings.read(env)


@pytest.mark.parametrize("raw", ["soon", "-1", "nan", "inf"])
def test_refuses_what_is_no_number(raw: str) -> None:
    with pytest.raises(SettingError, match="DRAIN_SECONDS"):
        number("DRAIN_SECONDS", 5, {"DRAIN_SECONDS": raw})


def test_text_falls_back() -> None:
    assert text("X", "y", {}) == "y"
