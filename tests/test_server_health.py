"""/health and /ready."""

import threading
import time

import pytest

from server.probes import FRESH, Probe
from server.shapes import HealthShape, ReadyShape
from speech import presence
from speech.errors import StorageUnavailable, Unavailable
from tests.server_fixtures import serve
from tests.services import until


def test_health_has_the_documented_fields(client):
    answer = client.get("/health")
    HealthShape.model_validate(answer.json)
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["model_loaded"]) == ("ok", False)
    assert answer.json["store"]["ms"] >= 0 and answer.json["storage"]["ms"] >= 0
    assert answer.json["version"] == "0.1.0"


@pytest.fixture
def fleet(new_database, tmp_path):
    """An app whose store knows two workers."""
    made = serve(new_database("sqlite"), tmp_path)
    speech = {"ready": True, "response_time_ms": 100.0, "gpu_memory_used": 1000}
    heard = {"ready": True, "response_time_ms": 300.0}
    both = {"speech": speech, "transcription": heard}
    presence.report(made.store.db, "a/1", ["speech", "transcription"], True, both)
    loading = {"transcription": {"ready": False}}
    presence.report(made.store.db, "b/1", ["transcription"], False, loading)
    yield made
    made.store.db.close()


def test_health_tells_what_the_workers_report(fleet):
    told = fleet.app.test_client().get("/health").json
    assert told["model_loaded"] is True
    assert (told["gpu_memory_used"], told["response_time_ms"]) == (1000, 200.0)
    assert told["workers"] == {"speech": 1, "transcription": 1}


def test_ready_is_the_stores_answer_and_tells_of_the_rest(fleet):
    answer = fleet.app.test_client().get("/ready")
    ReadyShape.model_validate(answer.json)
    assert answer.status_code == 200
    assert answer.json["workers"] == {"speech": 1, "transcription": 1}
    assert answer.json["broker"] == {"ok": None, "ms": None}  # embedded: there is none


def test_without_workers_or_storage_the_service_is_ready_all_the_same(served, client, monkeypatch):
    def away():
        raise StorageUnavailable("storage_unavailable")

    monkeypatch.setattr(served.storage, "probe", away)
    answer = client.get("/ready")
    assert answer.status_code == 200
    assert answer.json["storage"] == {"ok": False, "ms": None}
    assert answer.json["workers"] == {"speech": 0, "transcription": 0}


def test_without_its_store_it_is_alive_and_not_ready(served, client, monkeypatch):
    def away():
        raise Unavailable("store_unavailable")

    monkeypatch.setattr(served.store.db, "read", away)
    answer = client.get("/ready")
    assert (answer.status_code, answer.json["status"]) == (503, "unavailable")
    assert client.get("/health").status_code == 200
    assert client.get("/health").json["store"] == {"ok": False, "ms": None}


def test_a_probe_is_asked_at_most_every_five_seconds(monkeypatch):
    asked = []
    probe = Probe(lambda: asked.append(1) or len(asked), 0)
    assert [probe.read() for _ in range(5)] == [1] * 5
    now = time.monotonic
    monkeypatch.setattr("server.probes.time.monotonic", lambda: now() + FRESH + 1)
    probe.read()
    until(lambda: len(asked) == 2, 5, "the probe was renewed")


def test_a_probe_that_hangs_holds_nobody_up_and_reads_as_no_answer(monkeypatch):
    hang = threading.Event()
    monkeypatch.setattr("server.probes.FIRST_LOOK", 0.5)
    monkeypatch.setattr("server.probes.FRESH", 0.2)
    probe = Probe(lambda: hang.wait(20) and "late", "none")
    began = time.monotonic()
    assert probe.read() == "none"
    until(lambda: time.monotonic() - began > 0.8, 5, "time passes")
    again = time.monotonic()
    assert probe.read() == "none"
    assert time.monotonic() - again < 0.4
    hang.set()
