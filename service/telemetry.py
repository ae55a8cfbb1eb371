"""Structured logs, and an id for each request. Routes are logged, never paths: paths carry tokens and ids."""

import logging
import logging.config
import re
import sys
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request

from service.ids import new_id
from service.web.traffic import traffic

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")


SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
"""What every line carries, whoever wrote it."""


def configure(log_format: str) -> None:
    """Send all logs to stderr, one JSON object a line, or as text for people."""
    structlog.configure(
        processors=[*SHARED, _renderer(log_format)],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(logging_config(log_format))


def logging_config(log_format: str) -> dict[str, Any]:
    """The same for loggers of the standard library, ours and gunicorn's, as `logging.config` takes it."""
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processor": _renderer(log_format),
        "foreign_pre_chain": SHARED,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"orchard": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "orchard"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {"gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
    }


def _renderer(log_format: str) -> structlog.typing.Processor:
    if log_format == "text":
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer()


def register(app: Flask) -> None:
    """Give each request an id, and each answer a line in the log."""
    log = structlog.get_logger("orchard.requests")

    @app.before_request
    def begin() -> None:
        traffic.note()
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if SANE_REQUEST_ID.match(given) else new_id().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        request_id = g.get("request_id") or new_id().hex
        response.headers["X-Request-Id"] = request_id
        if response.status_code == 302 and request.method != "POST":
            return response  # a followed link: it is a row in the visits, and there are many
        log.info(
            "request",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 2),
            problem=g.get("problem"),
            **_of_caller(),
        )
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()  # what the process says later is about no request


def _of_caller() -> dict[str, str]:
    """Whose key it was, which one, and for what; the key itself is never logged."""
    caller = g.get("caller")
    if caller is None:
        return {}
    return {"merchant_id": str(caller.merchant_id), "key_id": str(caller.key_id), "scope": caller.scope}
