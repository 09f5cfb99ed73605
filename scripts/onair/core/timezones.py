"""Time zones by name."""

from zoneinfo import ZoneInfo


def known_timezone(name: str) -> str:
    """Return ``name`` if it is an IANA time zone; raises ValueError otherwise."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        message = f"'{name}' is no IANA time zone (e.g. Asia/Seoul)"
        raise ValueError(message) from error
    return name
