"""Structured logs: one JSON object per line on stdout, without payloads and secrets."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Any, BinaryIO

import orjson
import structlog

Logger = structlog.typing.FilteringBoundLogger


def configure(service: str, level: str) -> None:
    """Configure structlog for the process, and forward the logs of libraries to it."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(
            file=LossyOutput(sys.stdout.buffer),  # type: ignore[arg-type]  # used like a file
        ),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)


def get_logger() -> Logger:
    """The logger of the process; bind ids with `structlog.contextvars.bound_contextvars`."""
    logger: Logger = structlog.get_logger()
    return logger


def _dumps(event: Any, **_: Any) -> bytes:
    return orjson.dumps(event, default=str)


class LossyOutput:
    """An output whose failures are ignored: a log that a full disk has no room for must not end
    what is logged."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: bytes) -> None:
        """Write a line, if that is possible."""
        with contextlib.suppress(OSError):
            self._file.write(line)

    def flush(self) -> None:
        """Hand the lines on, if that is possible; the next call hands on what was not."""
        with contextlib.suppress(OSError):
            self._file.flush()


class _Forward(logging.Handler):
    """Forwards the log records of libraries to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        get_logger().log(
            record.levelno, "library_logged", logger=record.name, message=record.getMessage()
        )
