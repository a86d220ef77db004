"""GET /v1/jobs/{id}/events: server-sent events."""

import json
from threading import Event, Thread

import pytest

from speech import access
from speech.jobs import NewJob
from tests.key_fixtures import new_key
from tests.server_fixtures import serve
from tests.services import until


@pytest.fixture
def idle(new_database, tmp_path):
    made = serve(new_database("sqlite"), tmp_path, max_streams=2)
    yield made
    made.store.db.close()


def follow(client, job_id, last=None):
    """The events of a job that ends while we read: (id, name, data)."""
    headers = {"Last-Event-ID": last} if last else {}
    with client.get(f"/v1/jobs/{job_id}/events", headers=headers) as answer:
        return parse(answer.text)


def parse(text):
    found = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if "event" in fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


def unlinked(events):
    """Events without the link to them, which is signed anew for each reader, by the second."""
    return [
        (number, name, {key: value for key, value in data.items() if key != "events_url"})
        for number, name, data in events
    ]


def speech_job(served):
    job, _ = served.store.create(NewJob("speech", "speech", {"input": "a", "formats": []}))
    return job


def test_a_job_is_followed_from_the_line_to_its_end(idle):
    job = speech_job(idle)
    with idle.app.test_client().get(f"/v1/jobs/{job.id}/events") as answer:
        assert answer.mimetype == "text/event-stream"
        stream = answer.iter_encoded()
        read = lambda: parse(next(stream).decode())  # noqa: E731
        assert next(stream) == b"retry: 2000\n\n"
        ((_, name, data),) = read()
        assert (name, data["state"], data["queue"]["position"]) == ("progress", "queued", 1)
        claimed = idle.store.claim("speech", "a/b/c")
        assert read()[0][2]["state"] == "running"
        idle.store.report(claimed, 0.5, "speaking", [(0, {"text": "하나"}), (1, {"text": "둘"})])
        first, second, progress = read(), read(), read()
        assert [first[0][1], second[0][1], progress[0][1]] == ["sentence", "sentence", "progress"]
        assert first[0][2] == {"attempt": 1, "index": 0, "text": "하나"}
        assert progress[0][2]["progress"] == {"fraction": 0.5, "step": "speaking"}
        idle.store.commit(claimed, [], {})
        ((_, name, data),) = read()
        assert (name, data["state"]) == ("done", "succeeded")
        assert next(stream, None) is None


def test_last_event_id_goes_on_where_the_client_was(idle):
    job, client = speech_job(idle), idle.app.test_client()
    claimed = idle.store.claim("speech", "a/b/c")
    idle.store.report(claimed, 0.3, "speaking", [(0, {"text": "하나"})])
    idle.store.report(claimed, 0.6, "speaking", [(1, {"text": "둘"})])
    idle.store.commit(claimed, [], {})
    whole = unlinked(follow(client, job.id))
    assert [name for _, name, _ in whole] == ["sentence", "sentence", "done"]
    rest = unlinked(follow(client, job.id, last=whole[0][0]))
    assert rest == whole[1:]
    answer = client.get(f"/v1/jobs/{job.id}/events", headers={"Last-Event-ID": whole[-1][0]})
    assert (answer.status_code, answer.data) == (204, b"")
    assert unlinked(follow(client, job.id, last="not ours")) == whole


def test_a_new_attempt_sends_its_pieces_from_the_beginning(idle):
    job, client = speech_job(idle), idle.app.test_client()
    first = idle.store.claim("speech", "a/b/c")
    idle.store.report(first, 0.3, "speaking", [(0, {"text": "하나"})])
    last = f"{idle.store.get(job.id, 'default').seq}.1.1"
    idle.store.release("a/b/c", "preempted")
    second = idle.store.claim("speech", "a/b/d")
    idle.store.report(second, 0.3, "speaking", [(0, {"text": "하나"})])
    idle.store.commit(second, [], {})
    found = follow(client, job.id, last=last)
    assert [data.get("attempt") for _, _, data in found] == [2, 2]


def test_over_the_cap_a_stream_is_refused_and_a_closed_one_gives_its_place_back(idle):
    job, client = speech_job(idle), idle.app.test_client()
    path = f"/v1/jobs/{job.id}/events"
    open_ones = [client.get(path) for _ in range(2)]
    answer = client.get(path)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "too_many_waiting")
    assert answer.headers["Retry-After"] == "2"
    open_ones[0].close()  # never read
    with client.head(path) as head:
        assert head.status_code == 200
    again = client.get(path)
    assert again.status_code == 200
    for one in (again, open_ones[1]):
        one.close()


def test_a_stopping_server_ends_its_streams(idle):
    job, ended = speech_job(idle), Event()

    def read():
        follow(idle.app.test_client(), job.id)
        ended.set()

    thread = Thread(target=read)
    thread.start()
    streams = idle.app.extensions["moksori"].streams
    until(lambda: streams.watch._waiting.get(job.id), 5, "the stream watches")
    streams.stopping.set()
    assert ended.wait(5)
    thread.join()


def test_erasing_a_job_ends_its_streams(idle):
    job = speech_job(idle)
    claimed = idle.store.claim("speech", "a/b/c")
    with idle.app.test_client().get(f"/v1/jobs/{job.id}/events") as answer:
        stream = answer.iter_encoded()
        next(stream)
        next(stream)
        idle.store.commit(claimed, [], {})
        idle.store.erase(job.id, "default")
        assert next(stream, None) is None


def test_a_revoked_key_ends_its_streams_and_nobody_elses(idle, monkeypatch):
    monkeypatch.setattr("server.routes.events.LOOK_EVERY", 0.02)
    job, client = speech_job(idle), idle.app.test_client()
    key, headers = new_key(idle, "read")
    _, others = new_key(idle, "read")
    path = f"/v1/jobs/{job.id}/events"
    mine, theirs = client.get(path, headers=headers), client.get(path, headers=others)
    streams = [answer.iter_encoded() for answer in (mine, theirs)]
    for stream in streams:
        next(stream), next(stream)
    access.revoke(idle.store.db, key.id)
    assert next(streams[0], None) is None
    idle.store.cancel(job.id, "default")
    assert parse(next(streams[1]).decode())[0][1] == "done"
    for answer in (mine, theirs):
        answer.close()


def test_a_link_to_events_hands_out_no_later_link_to_them(idle):
    job, client = speech_job(idle), idle.app.test_client()
    idle.store.cancel(job.id, "default")
    links = idle.app.extensions["moksori"].links
    url = links.events_url(job.id, "default", 60)
    text = client.get(url.removeprefix(idle.settings.links_url)).text
    ((_, name, told),) = parse(text)
    assert (name, told["events_url"]) == ("done", url)
