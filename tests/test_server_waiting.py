"""Waiting calls: their cap, their deadline, and clients that hang up."""

import socket
import threading

import pytest

from server.waiting import Cap, HungUp, Waits, hung_up
from speech.errors import Busy, Unavailable
from speech.jobs import NewJob
from speech.watch import Watch
from tests.server_fixtures import serve
from tests.services import until

ASKED = {"input": "안녕", "voice": 1}


@pytest.fixture
def idle(new_database, tmp_path):
    made = serve(new_database("sqlite"), tmp_path, wait_timeout=0.2, max_waits=1)
    yield made
    made.store.db.close()


def waits_of(served):
    return served.app.extensions["moksori"].waits


def test_past_the_deadline_the_call_answers_504_with_the_job_and_the_job_goes_on(idle):
    client = idle.app.test_client()
    answer = client.post("/v1/audio/speech", json=ASKED)
    assert (answer.status_code, answer.json["error"]["code"]) == (504, "wait_timeout")
    # OpenAI's client would repeat a 504 by itself and make a second job.
    assert answer.headers["x-should-retry"] == "false"
    job = client.get(answer.headers["Location"]).json
    assert (job["state"], job["id"]) == ("queued", answer.headers["X-Moksori-Job"])


def test_over_the_cap_nothing_is_accepted(idle):
    waits_of(idle).take()
    answer = idle.app.test_client().post("/v1/audio/speech", json=ASKED)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "too_many_waiting")
    assert answer.headers["Retry-After"] == "2"
    assert idle.app.test_client().get("/v1/jobs").json["data"] == []
    later = idle.app.test_client().post(
        "/v1/audio/speech", json=ASKED, headers={"Prefer": "respond-async"}
    )
    assert later.status_code == 202


def test_a_place_is_given_back_after_every_answer(idle):
    client = idle.app.test_client()
    for _ in range(3):
        assert client.post("/v1/audio/speech", json=ASKED).status_code == 504
        assert client.post("/v1/audio/speech", json={}).status_code == 400


def test_a_cap_of_nothing_refuses_all():
    with pytest.raises(Busy):
        Cap(0).take()


def test_a_wait_ends_within_a_moment_of_the_jobs_end(idle):
    job, _ = idle.store.create(NewJob("speech", "speech", {}))
    waits = Waits(idle.store, waits_of(idle).watch, 1, 30.0, threading.Event())
    found = []
    thread = threading.Thread(target=lambda: found.append(waits.until_final(job)))
    thread.start()
    until(lambda: waits.watch._waiting.get(job.id), 5, "the wait has begun")
    idle.store.cancel(job.id, "default")
    thread.join(1.0)  # well under the 2 s after which it would look by itself
    assert [one.state for one in found] == ["cancelled"]


def test_a_lost_event_only_delays_a_wait(idle, monkeypatch):
    monkeypatch.setattr("server.waiting.LOOK_EVERY", 0.05)
    job, _ = idle.store.create(NewJob("speech", "speech", {}))
    from speech.queue import Silent

    waits = Waits(idle.store, Watch(Silent()), 1, 30.0, threading.Event())
    threading.Timer(0.1, lambda: idle.store.cancel(job.id, "default")).start()
    assert waits.until_final(job).state == "cancelled"


def test_a_client_that_hangs_up_ends_its_wait_and_not_the_job(idle, monkeypatch):
    monkeypatch.setattr("server.waiting.LOOK_EVERY", 0.05)
    job, _ = idle.store.create(NewJob("speech", "speech", {}))
    ours, theirs = socket.socketpair()
    threading.Timer(0.1, theirs.close).start()
    waits = Waits(idle.store, waits_of(idle).watch, 1, 30.0, threading.Event())
    with pytest.raises(HungUp):
        waits.until_final(job, ours)
    assert idle.store.get(job.id, "default").state == "queued"
    ours.close()


def test_a_connection_with_more_to_read_is_not_hung_up():
    ours, theirs = socket.socketpair()
    assert not hung_up(ours)
    theirs.send(b"next request")
    assert not hung_up(ours)
    assert ours.recv(100) == b"next request"
    theirs.close()
    assert hung_up(ours)
    ours.close()
    assert hung_up(ours)


def test_a_stopping_server_answers_its_waits_with_503_and_the_job(idle):
    waits_of(idle).stopping.set()
    answer = idle.app.test_client().post("/v1/audio/speech", json=ASKED)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "server_stopping")
    assert answer.headers["Location"].startswith("/v1/jobs/")


def test_a_store_that_is_away_for_a_moment_does_not_end_a_wait(idle, monkeypatch):
    monkeypatch.setattr("server.waiting.LOOK_EVERY", 0.02)
    job, _ = idle.store.create(NewJob("speech", "speech", {}))
    idle.store.cancel(job.id, "default")
    get, away = idle.store.get, iter(range(3))

    def sometimes(job_id, tenant):
        if next(away, None) is not None:
            raise Unavailable("store_unavailable")
        return get(job_id, tenant)

    monkeypatch.setattr(idle.store, "get", sometimes)
    waits = Waits(idle.store, waits_of(idle).watch, 1, 30.0, threading.Event())
    assert waits.until_final(job).state == "cancelled"


def test_a_job_that_was_cancelled_meanwhile_is_a_conflict(new_database, tmp_path):
    served = serve(new_database("sqlite"), tmp_path)
    answers = []

    def post():
        answers.append(served.app.test_client().post("/v1/audio/speech", json=ASKED))

    thread = threading.Thread(target=post)
    thread.start()
    client = served.app.test_client()
    until(lambda: client.get("/v1/jobs").json["data"], 5, "the job is there")
    client.delete(f"/v1/jobs/{client.get('/v1/jobs').json['data'][0]['id']}")
    thread.join(5)
    assert (answers[0].status_code, answers[0].json["error"]["code"]) == (409, "job_cancelled")
    served.store.db.close()
