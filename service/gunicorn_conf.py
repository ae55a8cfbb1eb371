"""How gunicorn runs the service. The worker class was chosen by measurement: docs/decisions/0005-sync-workers.md."""

import os
from typing import Any

from gunicorn.glogging import Logger

from service import processors, signs, telemetry
from service import settings as environment
from service.turns import Turns


class WithoutRequests(Logger):  # type: ignore[misc]
    """gunicorn's own log without what requests hold: each has its line already, and heads carry keys and tokens."""

    def access(self, *_: Any) -> None:
        """Say nothing."""

    def warning(self, message: str, *arguments: Any, **more: Any) -> None:
        """Of a request that cannot be parsed, say that it came; gunicorn would quote it, and name the peer."""
        if message.startswith("Invalid request"):
            message = "Invalid request"
        super().warning(message, *arguments, **more)

    def exception(self, message: str, *arguments: Any, **more: Any) -> None:
        """Of a request that failed in the server itself, say why and not which."""
        if message.startswith("Error handling request"):
            message, arguments = "Error handling a request", ()
        super().exception(message, *arguments, **more)


logger_class = WithoutRequests
logconfig_dict = telemetry.logging_config(environment.load().log_format)
worker_class = "sync"
workers = processors.count() + 1
preload_app = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
timeout = 60
graceful_timeout = 30
max_requests = 100_000
max_requests_jitter = 10_000
backlog = 2048
limit_request_line = 8190
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Of the workers, all but one may wait for somebody's lock."""
    server.waiting = Turns(max(1, server.cfg.workers - 1))


def when_ready(server: Any) -> None:
    """Say where this is served, for `orchard health`."""
    signs.leave("serve", address=server.LISTENERS[0].getsockname())


def on_exit(_server: Any) -> None:
    """It is served no longer."""
    signs.take_away("serve")


def post_fork(server: Any, worker: Any) -> None:
    """The parent's database connections stay the parent's. Who answers for long says now and then that it lives."""
    app = worker.app.wsgi()
    database = app.extensions["orchard"].database
    database.dispose(close=False)
    database.watch(server.waiting)
    app.extensions["orchard-heartbeat"] = worker.notify
