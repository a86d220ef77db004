"""Batches of many recordings: given as a list or a manifest, told of item by item, resumed by a retry."""

import json
from dataclasses import replace

import pytest

from speech.errors import NotFound
from speech.family import seconds_of
from speech.jobs import NewJob
from speech.settings import Settings
from tests.hearing_fixtures import Hearing, melody
from tests.media_fixtures import wav
from tests.query_plans import statements

OURS = "gs://ours/here"


@pytest.fixture
def bucket(served):
    """The server over a bucket, as far as it can tell: names are gs://, bytes are in the folder."""
    service = served.app.extensions["moksori"]
    settings = replace(service.settings, storage_url=OURS, batch_max_items=2_000)
    served.app.extensions["moksori"] = replace(service, settings=settings)
    served.before = not_there
    return served


def not_there(job):
    """What becomes of each item here: the inputs are only names."""
    raise NotFound("object_not_found", param="input")


def ask(client, **body):
    return client.post("/v1/jobs", json={"kind": "batch"} | body)


def items_of(served, answer):
    assert answer.status_code == 202, answer.json
    return served.store.children(answer.json["id"])


def test_places_share_what_is_said_for_all(bucket, client):
    inputs = [f"{OURS}/in/{n}.mp4" for n in range(3)]
    job = {"kind": "translation", "formats": ["srt"], "beam_size": 2}
    answer = ask(client, inputs=inputs, job=job, output=f"{OURS}/out/")
    items = items_of(bucket, answer)
    assert [item.input["key"] for item in items] == ["in/0.mp4", "in/1.mp4", "in/2.mp4"]
    assert {(item.kind, item.request["beam_size"]) for item in items} == {("translation", 2)}
    assert [item.outputs for item in items] == [(f"out/{n:05d}/transcript.srt",) for n in range(3)]
    assert answer.json["outputs"] == [f"{OURS}/out/index.json"]
    assert answer.json["priority"] == "batch"


def test_a_manifest_in_the_bucket_names_thousands(bucket, client):
    lines = [f"{OURS}/in/{n}.mp4" for n in range(1_500)]
    lines[7] = json.dumps({"input": "https://example.com/a.mp3", "language": "ko", "seconds": 60})
    manifest = "\n".join([*lines, ""]).encode("utf-8-sig")  # as Windows writes it
    bucket.storage.put("lists/a.jsonl", manifest, "text/plain", "test")
    answer = ask(client, manifest=f"{OURS}/lists/a.jsonl")
    items = items_of(bucket, answer)
    assert len(items) == answer.json["children"]["total"] == 1_500
    assert items[7].input == {"url": "https://example.com/a.mp3"}
    assert items[7].request["language"] == "ko"
    assert {item.kind for item in items} == {"transcription"}


@pytest.mark.parametrize(
    ("manifest", "code", "param"),
    [
        (b"", "too_few", "manifest"),
        (b"gs://ours/here/a\n" * 2_001, "too_many", "manifest"),
        (b'gs://ours/here/a\n{"input": 1', "broken_json", "manifest.1"),
        (b"\xff\xfe", "bad_text", "manifest.0"),
        (b"gs://ours/here/a\n\ngs://theirs/b", "not_our_storage", "items.1.input"),
        (b'{"input": "gs://ours/here/a", "ttl": 5}', "only_the_batch", "items.0.ttl"),
        (b'{"input": "gs://ours/here/a", "kind": "batch"}', "not_one_of", "items.0.kind"),
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_followed_says_where(bucket, client, manifest, code, param):
    bucket.storage.put("lists/a", manifest, "text/plain", "test")
    error = ask(client, manifest=f"{OURS}/lists/a").json["error"]
    assert (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "one_input", "items"),
        ({"inputs": ["https://a.example/a"], "items": [{}]}, "one_input", "items"),
        ({"inputs": ["https://a.example/a"], "job": {"url": "https://a.example/b"}}, "only_the_items", "job.url"),
        ({"items": [{"kind": "transcription"}]}, "one_input", "items.0.input"),
        ({"manifest": f"{OURS}/nowhere"}, "object_not_found", "manifest"),
        ({"manifest": "https://example.com/list"}, "manifest_in_bucket", "manifest"),
        ({"manifest": "gs://theirs/list"}, "not_our_storage", "manifest"),
        ({"inputs": ["https://a.example/a"], "output": f"{OURS}/t/a"}, "reserved_place", "items.0.output"),
        (
            {"inputs": ["https://a.example/a"], "output": f"{OURS}/a", "job": {"output": "x"}},
            "only_the_batch", "items.0.output",
        ),
    ],
)  # fmt: skip
def test_a_batch_that_asks_for_the_impossible_is_refused(bucket, client, body, code, param):
    error = ask(client, **body).json["error"]
    assert (error["code"], error["param"]) == (code, param)


def test_a_batch_rings_for_its_first_items_only(bucket, client):
    inputs = [f"https://example.com/{n}" for n in range(1_000)]
    assert len(items_of(bucket, ask(client, inputs=inputs))) == 1_000
    assert len(bucket.store.bells.rung) <= 200


@pytest.fixture
def hearing(store, tmp_path):
    return Hearing(store, Settings(data_dir=str(tmp_path)))


def batch_of(hearing, places, **fields):
    """A batch of three with an index; its items each with a folder."""
    items = [
        NewJob(
            "transcription", "transcription", {"formats": ["json"]}, input=place,
            outputs=(f"out/{n:05d}/transcript.json",), promised=("transcript.json",), **fields,
        )
        for n, place in enumerate(places)
    ]  # fmt: skip
    new = NewJob(
        "batch", "transcription", {"items": len(items)}, priority="batch",
        outputs=("out/index.json",), promised=("index.json",),
    )  # fmt: skip
    return hearing.store.create(new, items)[0]


def index_of(hearing):
    return json.loads(b"".join(hearing.storage.open("out/index.json")))


def named(index, *names):
    return [tuple(one[name] for name in names) for one in index["items"]]


@pytest.mark.slow
def test_the_index_tells_of_each_item_and_a_retry_goes_on(hearing, tmp_path):
    good = hearing.put(wav(tmp_path / "a.wav", melody([300, 500])))
    (tmp_path / "text").write_text("no sound")
    bad = hearing.put(tmp_path / "text")
    batch = batch_of(hearing, [good, bad, good])
    hearing.run()
    done = hearing.store.get(batch.id, "default")
    assert (done.state, done.result["succeeded"], done.result["failed"]) == ("succeeded", 2, 1)
    assert done.result["audio_seconds"] == 6.0
    index = index_of(hearing)
    assert named(index, "folder", "state", "files") == [
        ("00000", "succeeded", ["transcript.json"]),
        ("00001", "failed", []),
        ("00002", "succeeded", ["transcript.json"]),
    ]
    assert index["items"][1]["error"] == {"code": "media_unreadable"}
    assert hearing.storage.stat("out/00001/error.json") is not None
    whole = (tmp_path / "a.wav").read_bytes()
    (hearing.storage.root / bad["key"]).write_bytes(whole)
    again = hearing.store.retry(batch.id, "default")
    hearing.run()
    assert hearing.store.get(again.id, "default").children["total"] == 1
    index = index_of(hearing)
    assert (index["job"], index["audio_seconds"]) == (again.id, 9.0)
    assert named(index, "folder", "state") == [(f"{n:05d}", "succeeded") for n in range(3)]
    assert hearing.storage.stat("out/00001/error.json") is None


@pytest.mark.slow
def test_a_batch_of_which_nothing_succeeds_fails_beside_its_promise(hearing, tmp_path):
    (tmp_path / "text").write_text("no sound")
    batch = batch_of(hearing, [hearing.put(tmp_path / "text")] * 2)
    hearing.run()
    assert hearing.store.get(batch.id, "default").error["code"] == "all_failed"
    assert hearing.storage.stat("out/index.json") is None
    told = json.loads(b"".join(hearing.storage.open("out/error.json")))
    assert told["error"]["code"] == "all_failed"


def some_batch(hearing, seconds):
    """A batch of recordings that are said to be so long (None: nobody said); no output of its own."""
    said = [{"seconds": one} if one else {} for one in seconds]
    items = [NewJob("transcription", "transcription", one) for one in said]
    request = {"items": len(items)} | seconds_of(said)
    new = NewJob("batch", "transcription", request, priority="batch")
    return hearing.store.create(new, items)[0]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ((60.0, 120.0, 420.0), [0.1, 0.3, 1.0]),
        (
            (60.0, None, 180.0),
            [0.167, 0.5, 1.0],
        ),  # nobody said how long one is: as long as the mean
        ((None, None, None, None), [0.25, 0.5, 0.75, 1.0]),
    ],
)
def test_progress_is_counted_in_seconds_of_audio_as_far_as_they_are_known(hearing, seconds, told):
    batch = some_batch(hearing, seconds)
    found = []
    while job := hearing.store.claim("transcription", "host/boot/a"):
        hearing.store.commit(job, [], {})
        found.append(round(hearing.store.get(batch.id, "default").fraction, 3))
    assert found == told


def test_a_retried_batch_counts_the_seconds_of_what_is_left(hearing):
    batch = some_batch(hearing, (60.0, 120.0, 420.0))
    hearing.store.commit(hearing.store.claim("transcription", "host/boot/a"), [], {})
    hearing.store.cancel(batch.id, "default")
    again = hearing.store.retry(batch.id, "default")
    assert again.request == {"items": 2, "seconds": 540.0, "seconds_else": 270.0}


def test_a_cancelled_batch_ends_with_all_that_wait(hearing):
    batch = batch_of(hearing, [{"key": "nowhere"}] * 50)
    hearing.store.cancel(batch.id, "default")
    assert {item.state for item in hearing.store.children(batch.id)} == {"cancelled"}
    assert hearing.store.claim("transcription", "host/boot/a") is None


def test_a_batch_is_cancelled_in_as_few_statements_however_much_waits(hearing):
    counts = []
    for size in (20, 2_000):
        batch = some_batch(hearing, [None] * size)
        with statements(hearing.store.db) as asked:
            hearing.store.cancel(batch.id, "default")
        counts.append(len(asked))
        assert hearing.store.get(batch.id, "default").children["failed"] == size
    assert counts[0] == counts[1]
