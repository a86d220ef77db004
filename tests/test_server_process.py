"""What a server process may listen on, and how it stops."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from server.process import end_waits_on_stop, refuse_open_bind
from speech.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_loopback_is_fine(host):
    refuse_open_bind(replace(Settings(), host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "localhost.example.com"])
def test_any_other_address_is_refused(host):
    with pytest.raises(ValueError, match=r"Listen on 127\.0\.0\.1"):
        refuse_open_bind(replace(Settings(), host=host))


def test_sigterm_sets_the_event_and_then_does_what_it_did_before():
    before = signal.getsignal(signal.SIGTERM)
    heard, stopping = [], threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        end_waits_on_stop(stopping)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.wait(5)
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_gunicorns_master_never_imports_the_app():
    code = "import sys, server.gunicorn; sys.exit('server.app' in sys.modules or 'flask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0
