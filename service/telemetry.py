"""Structured logs, and an id for each request. Routes are logged, never paths: paths carry tokens and ids."""

import logging
import re
import sys
import time

import structlog
from flask import Flask, Response, g, request

from service.ids import new_id

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")


def configure(log_format: str) -> None:
    """Send all logs to stderr, one JSON object a line, or as text for people."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if log_format == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


def register(app: Flask) -> None:
    """Give each request an id, and each answer a line in the log."""
    log = structlog.get_logger("orchard.requests")

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if SANE_REQUEST_ID.match(given) else new_id().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        request_id = g.get("request_id") or new_id().hex
        response.headers["X-Request-Id"] = request_id
        if response.status_code == 302:
            return response  # a followed link: it is a row in the visits, and there are many
        log.info(
            "request",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 2),
            merchant_id=str(g.merchant_id) if "merchant_id" in g else None,
        )
        return response
