"""/metrics: what it says of work, workers, parts, purge and requests; what it costs; and that docs list all of it."""

import re
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from speech import presence
from speech.database import Database
from speech.errors import StorageUnavailable, Unavailable
from speech.measures import measure
from speech.purge import Purge
from speech.schema import jobs
from tests.aged import age
from tests.key_fixtures import new_key
from tests.live_server import gunicorn
from tests.query_plans import plans
from tests.server_fixtures import Served, serve
from tests.services import until
from tests.some_jobs import many_rows, recording, speech

DOCS = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"


@pytest.fixture
def idle(new_database, tmp_path):
    """An app without a worker."""
    made = serve(new_database("sqlite"), tmp_path)
    yield made
    made.store.db.close()


def scraped(served: Served) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels."""
    answer = served.app.test_client().get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(served: Served, name: str, **labels: str) -> float:
    return scraped(served)[f"moksori_{name}", frozenset(labels.items())]


def speak(served: Served):
    """A job that the playing worker can do."""
    asked = {"kind": "speech", "input": "안녕", "voice": 1}
    return served.app.test_client().post("/v1/jobs", json=asked)


@pytest.fixture
def fresh(monkeypatch):
    """Every scrape looks at the store again."""
    monkeypatch.setattr("server.metrics.FRESH", -1.0)


def test_open_jobs_are_counted_by_lane_state_and_priority(idle, fresh):
    for new in (speech(), speech(), speech(priority="batch"), recording()):
        idle.store.create(new)
    idle.store.claim("speech", "host/boot/1")
    seen = scraped(idle)
    found = {
        tuple(dict(labels).values()): number
        for (name, labels), number in seen.items()
        if name == "moksori_jobs" and number
    }
    assert {frozenset(which): number for which, number in found.items()} == {
        frozenset({"speech", "queued", "interactive"}): 1,
        frozenset({"speech", "running", "interactive"}): 1,
        frozenset({"speech", "queued", "batch"}): 1,
        frozenset({"transcription", "queued", "interactive"}): 1,
    }


def test_waiting_work_without_a_worker_is_a_backlog_without_capacity(idle, fresh):
    for _ in range(6):
        idle.store.create(speech())
    assert value(idle, "due", lane="speech") == 6
    assert value(idle, "backlog_without_capacity", lane="speech") == 1
    assert value(idle, "backlog_without_capacity", lane="transcription") == 0
    assert 0 < value(idle, "oldest_waiting_seconds", lane="speech") < 60
    loading = {"speech": {"ready": False}}
    presence.report(idle.store.db, "a/1", ["speech"], False, loading)
    assert value(idle, "workers", lane="speech", state="live") == 1
    assert value(idle, "backlog_without_capacity", lane="speech") == 1
    for worker in ("a/1", "b/1", "b/2"):
        presence.report(idle.store.db, worker, ["speech"], True, {"speech": {"ready": True}})
    assert value(idle, "backlog_without_capacity", lane="speech") == 0
    assert value(idle, "backlog_per_worker", lane="speech") == 2


def test_jobs_that_wait_for_a_later_time_are_no_backlog(idle, fresh):
    idle.store.create(speech())
    job = idle.store.claim("speech", "host/boot/1")
    idle.store.defer(job, StorageUnavailable("storage_unavailable"))
    assert value(idle, "due", lane="speech") == 0
    assert value(idle, "backlog_without_capacity", lane="speech") == 0


def test_jobs_that_ended_lately_are_counted_by_state(idle, fresh):
    for _ in range(3):
        speak(idle)
    idle.work("speech")
    idle.store.cancel(idle.store.page("default", states=["queued"])[0][0].id, "default")
    assert value(idle, "finished_last_minute", lane="speech", state="succeeded") == 1
    assert value(idle, "finished_last_minute", lane="speech", state="cancelled") == 1
    age(idle.store, 1)
    assert value(idle, "finished_last_minute", lane="speech", state="succeeded") == 0


def test_workers_tell_of_their_time_and_cards_and_one_host_has_its_cards_once(idle, fresh):
    card = {"ready": True, "gpu_memory_used": 900, "gpu_memory_total": 1000}
    presence.report(
        idle.store.db, "a/1", ["speech"], True, {"speech": card | {"response_time_ms": 200.0}}
    )
    presence.report(
        idle.store.db, "a/2", ["speech"], True, {"speech": card | {"response_time_ms": 500.0}}
    )
    assert value(idle, "response_seconds", lane="speech") == 0.5
    assert value(idle, "gpu_memory_used_bytes", host="a") == 900
    assert value(idle, "gpu_memory_total_bytes", host="a") == 1000


def test_the_parts_that_answer_are_up(idle, fresh):
    assert value(idle, "up", part="store") == value(idle, "up", part="storage") == 1
    assert value(idle, "round_trip_seconds", part="storage") >= 0
    assert value(idle, "dead_letters") == 0
    assert ("moksori_up", frozenset({("part", "broker")})) not in scraped(idle)


def test_without_its_store_it_cannot_know_who_asks_and_says_only_that(idle, fresh, monkeypatch):
    scraped(idle)

    def away():
        raise Unavailable("store_unavailable")

    monkeypatch.setattr(idle.store.db, "read", away)
    assert idle.app.test_client().get("/metrics").status_code == 503
    text = generate_latest(idle.app.extensions["moksori"].metrics).decode()
    assert 'moksori_up{part="store"} 0.0' in text
    assert "moksori_jobs{" not in text


def test_the_purge_counts_what_went_and_what_could_not_go(idle, fresh, monkeypatch):
    assert value(idle, "purge_failures_total") == 0
    assert speak(idle).status_code == 202 and idle.work("speech")
    age(idle.store, 31)

    def locked(_prefix: str) -> int:
        raise PermissionError("locked")

    monkeypatch.setattr(idle.storage, "delete_prefix", locked)
    Purge(idle.store, idle.storage, idle.settings, "test").run()
    assert value(idle, "purged_total", what="artifacts") == 1
    assert value(idle, "purge_failures_total") == 1
    assert value(idle, "purge_stuck_objects") == 1
    assert abs(value(idle, "purge_completed_timestamp_seconds") - time.time()) < 60


def test_where_keys_are_asked_for_only_an_admin_reads_metrics(idle):
    client = idle.app.test_client()
    _, reader = new_key(idle, "read")
    _, admin = new_key(idle, "admin")
    answers = [client.get("/metrics", headers=headers) for headers in ({}, reader, admin)]
    assert [answer.status_code for answer in answers] == [401, 403, 200]


def test_requests_are_timed_by_the_template_of_their_route(idle, fresh):
    client = idle.app.test_client()
    client.get("/v1/jobs/123e4567-e89b-42d3-a456-426614174000")
    client.get("/secret/text?q=안녕")
    labels = {
        tuple(sorted(dict(labels).items()))
        for (name, labels), number in scraped(idle).items()
        if name == "moksori_http_request_seconds_count" and number
    }
    told = {(dict(one)["method"], dict(one)["route"], dict(one)["status"]) for one in labels}
    assert told == {("GET", "/v1/jobs/<job_id>", "404"), ("none", "none", "404")}
    assert "123e4567" not in client.get("/metrics").text


def test_the_store_is_asked_once_a_second_at_most(idle, monkeypatch):
    asked = []
    monkeypatch.setattr("server.metrics.measure", lambda *_: asked.append(1) or _empty(idle))
    for _ in range(5):
        scraped(idle)
    assert len(asked) == 1


def _empty(served: Served):
    with served.store.db.read() as connection:
        return measure(connection, served.store.db.now(connection))


@pytest.mark.slow
def test_each_server_process_counts_its_own_requests_and_all_say_the_same_of_jobs(
    new_database, tmp_path
):
    with gunicorn(new_database("sqlite"), tmp_path, server_processes=2) as live:
        told: dict[str, str] = {}

        def both() -> bool:
            with urllib.request.urlopen(f"{live.base}/metrics", timeout=10) as answer:
                text = answer.read().decode()
            # Of the scrapes before this one; the first has none.
            for process in re.findall(
                r'moksori_http_request_seconds_count{.*process="(\d+)"', text
            ):
                told[process] = text
            return len(told) == 2

        until(both, 30, "both processes have answered")
    jobs = [re.findall(r"^moksori_jobs{.*$", text, re.MULTILINE) for text in told.values()]
    assert jobs[0] == jobs[1] != []


@pytest.mark.slow
def test_a_look_among_100_000_rows_is_quick(db: Database):
    many_rows(db, 50_000, 50)
    many_rows(db, 50_000, 50, "transcription", start=50_000)
    with db.write() as tx:
        done = {"state": "succeeded", "claimable": False, "finished": tx.now - 1000}
        tx.connection.execute(
            jobs.update().where(jobs.c.lane == "transcription", jobs.c.id.like("%5")).values(done)
        )
    if db.dialect == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE jobs")
    took = []
    for _ in range(5):
        with db.read() as connection:
            began = time.perf_counter()
            seen = measure(connection, db.now(connection))
            took.append(time.perf_counter() - began)
    assert seen.due == {"speech": 50_000, "transcription": 45_000}
    assert min(took) < 0.25


def test_a_look_walks_no_table_of_jobs(idle):
    with plans(idle.store.db) as found, idle.store.db.read() as connection:
        measure(connection, idle.store.db.now(connection))
    assert "jobs_open" in found() and "jobs_due" in found() and "jobs_finished" in found()
    assert "SCAN jobs\n" not in found()


def test_docs_list_every_metric_and_no_other(idle, fresh):
    loaded = {"ready": True, "response_time_ms": 1.0, "gpu_memory_used": 1, "gpu_memory_total": 2}
    presence.report(idle.store.db, "a/1", ["speech"], True, {"speech": loaded})
    Purge(idle.store, idle.storage, idle.settings, "test").run()
    scraped(idle)
    made = {re.sub(r"_(bucket|sum|count)$", "", name) for name, _ in scraped(idle)}
    made = {name for name in made if not name.endswith("_created")}
    text = DOCS.read_text("utf-8")
    listed = set(re.findall(r"^\| `(moksori_\w+)", text, re.MULTILINE))
    assert listed == made
    for example in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert yaml.safe_load(example)
    named = {re.sub(r"_(bucket|sum|count)$", "", one) for one in re.findall(r"moksori_\w+", text)}
    assert named <= made
