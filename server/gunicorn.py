"""gunicorn's configuration, from the settings: gunicorn -c python:server.gunicorn server.wsgi:app.

Threads, because a waiting call and an open event stream each hold one. The limits and their reasons:
https://docs.gunicorn.org/en/stable/settings.html and docs/api.md.
"""

import os
import sys
from typing import Any

from server.process import end_waits_on_stop, refuse_open_bind
from speech.errors import SpeechError
from speech.settings import Settings

try:
    _settings = Settings.from_env()
    refuse_open_bind(_settings)
except (SpeechError, ValueError) as _error:
    sys.exit(f"The server does not start. {_error}")

bind = _settings.address
worker_class = "gthread"
workers = _settings.server_processes
threads = _settings.server_threads
worker_connections = max(1000, 2 * _settings.server_threads)
timeout = 60  # the main thread's heartbeat; a request may take longer
graceful_timeout = 15
keepalive = 5
preload_app = False  # threads and sockets of a parent do not survive a fork
control_socket_disable = True  # else a socket under $HOME/.gunicorn
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
limit_request_line = 4094
limit_request_fields = 50
limit_request_field_size = 4096
forwarded_allow_ips = (
    ""  # no header says which path, scheme or name this is; MOKSORI_PUBLIC_URL does
)
loglevel = _settings.log_level.lower()
errorlog = "-"


def post_worker_init(worker: Any) -> None:
    """Called by gunicorn once the worker has set its signal handlers and loaded the app."""
    # Here, because it brings Flask, which gunicorn's master does without.
    from server.refusals import answer_in_one_shape

    answer_in_one_shape()
    end_waits_on_stop(worker.wsgi.extensions["moksori"].stopping)
