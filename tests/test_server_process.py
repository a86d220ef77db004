"""What a server process may listen on, and how it stops."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from server.process import end_waits_on_stop, refuse_open_bind
from speech import access
from speech.access import NewKey
from speech.errors import InvalidRequest, Unavailable
from speech.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_loopback_is_fine_and_no_store_is_asked(host, tmp_path):
    refuse_open_bind(Settings(host=host, data_dir=str(tmp_path / "none")))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "localhost.example.com"])
def test_any_other_address_needs_a_key_that_is_good(host, db):
    settings = Settings(host=host, database_url=db.url)

    def refuse():
        with pytest.raises(InvalidRequest, match="moksori keys create") as refused:
            refuse_open_bind(settings)
        assert refused.value.code == "open_bind"

    refuse()
    access.create(db, NewKey("over", ("read",), lasts=1e-9))
    refuse()
    key, _ = access.create(db, NewKey("web", ("read",)))
    refuse_open_bind(settings)
    access.revoke(db, key.id)
    refuse()


def test_a_store_that_was_never_migrated_says_so(tmp_path):
    with pytest.raises(Unavailable, match="moksori migrate"):
        refuse_open_bind(Settings(host="0.0.0.0", data_dir=str(tmp_path)))


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
