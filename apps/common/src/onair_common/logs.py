"""Structured logs: one JSON object a line on stdout, for structlog and the standard library alike."""

from __future__ import annotations

import json
import logging
import sys

import structlog

# Made once: json.dumps with options makes an encoder for each line.
_encode = json.JSONEncoder(ensure_ascii=False, default=repr).encode


def _json(event: dict[str, object], **_: object) -> str:
    return _encode(event)


def configure(service: str, region: str, version: str, level: int = logging.INFO) -> None:
    """Send every log line to stdout as JSON with service, region and version.

    Parameters
    ----------
    level : int
        Lowest level of the standard library that is written.
    """
    structlog.contextvars.bind_contextvars(service=service, region=region, version=version)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(_json)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(_json),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("uvicorn.access").handlers.clear()
    # httpx logs every request at INFO: the callers log what matters themselves.
    logging.getLogger("httpx").setLevel(logging.WARNING)
