"""How gunicorn runs the service. The worker class was chosen by measurement: docs/decisions/0005-sync-workers.md."""

import multiprocessing
import os
from typing import Any

from gunicorn.glogging import Logger

from service import settings as environment
from service import telemetry


class ErrorsAlone(Logger):  # type: ignore[misc]
    """gunicorn's own log without its access log: each request has its line already, and paths carry tokens."""

    def access(self, *_: Any) -> None:
        """Say nothing."""


logger_class = ErrorsAlone
logconfig_dict = telemetry.logging_config(environment.load().log_format)
worker_class = "sync"
workers = multiprocessing.cpu_count() + 1
preload_app = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
timeout = 60
graceful_timeout = 30
max_requests = 100_000
max_requests_jitter = 10_000
backlog = 2048
limit_request_line = 8190
control_socket_disable = True


def post_fork(_server: Any, worker: Any) -> None:
    """The parent's database connections stay the parent's."""
    worker.app.wsgi().extensions["orchard"].database.dispose(close=False)
