"""Uploads straight to a bucket: fake-gcs-server behind a store that keeps Google's promises, and fails as asked."""

import io
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from google.resumable_media.requests import ResumableUpload

from server.app import create_app
from speech.errors import Gone, StorageUnavailable
from speech.gcs import GoogleStorage
from speech.links import Links
from tests.gcs_fixtures import BUCKET, Fault, FaultStore, fault_store, gcs_url  # noqa: F401
from tests.recorded_bells import RecordedBells
from tests.resumable_client import send
from tests.resumable_sessions import GRAIN
from tests.server_fixtures import Served, serve

pytestmark = pytest.mark.gcs
SIZE = 5 * GRAIN + 1000
KEY = "t/default/inputs/one"


@pytest.fixture
def store(gcs_url: str) -> Iterator[FaultStore]:  # noqa: F811
    with fault_store(gcs_url, sessions=True) as store:
        yield store


@pytest.fixture
def storage(store: FaultStore, tmp_path: Path) -> GoogleStorage:
    place = f"gs://{BUCKET}/{tmp_path.name}"
    links = Links("http://127.0.0.1:8000", "secret")
    return GoogleStorage(place, links, store.url, timeout=5.0, deadline=10.0)


@pytest.fixture
def data() -> bytes:
    return os.urandom(SIZE)


def begun(storage: GoogleStorage) -> str:
    session = storage.begin_upload(KEY, SIZE, "video/mp4", "one", "https://voice.example")
    assert session is not None
    return session


def test_a_file_goes_to_the_bucket_in_pieces(
    storage: GoogleStorage, store: FaultStore, data: bytes
):
    session = begun(storage)
    assert session.startswith(store.url) and "ifGenerationMatch=0" in store.seen[0]
    assert storage.received(KEY, SIZE, session) == 0
    head = {"Content-Range": f"bytes 0-{GRAIN - 1}/{SIZE}"}
    requests.put(session, data=data[:GRAIN], headers=head, timeout=5, allow_redirects=False)
    assert storage.received(KEY, SIZE, session) == GRAIN
    assert storage.stat(KEY) is None
    assert send(session, data, GRAIN) == 6
    assert storage.received(KEY, SIZE, session) == SIZE
    assert b"".join(storage.open(KEY)) == data


@pytest.mark.parametrize("kind", ["503", "cut", "less", "part", "swallow"])
@pytest.mark.parametrize("piece", [GRAIN, 3 * GRAIN, SIZE])
def test_an_upload_survives_every_way_to_fail(
    storage: GoogleStorage, store: FaultStore, data: bytes, kind: str, piece: int
):
    session = begun(storage)
    store.faults = [Fault(kind, 4, "PUT", "upload_id", every=2)]
    send(session, data, piece)
    assert b"".join(storage.open(KEY)) == data


def test_an_upload_whose_last_answer_was_lost_is_found_whole(
    storage: GoogleStorage, store: FaultStore, data: bytes
):
    session = begun(storage)
    store.faults = [Fault("swallow", 1, "PUT", "upload_id")]
    assert send(session, data, SIZE) == 1
    assert [line.split("?")[0] for line in store.seen].count(store.seen[1].split("?")[0]) == 2


@pytest.mark.parametrize("seed", range(5))
def test_faults_by_chance_end_in_the_same_bytes(
    storage: GoogleStorage, store: FaultStore, data: bytes, seed: int
):
    dice = random.Random(seed)
    kinds = ["503", "cut", "less", "part", "swallow"]
    session = begun(storage)
    for kind in kinds:
        store.faults.append(
            Fault(kind, dice.randrange(3), "PUT", "upload_id", dice.randrange(1, 4))
        )
    send(session, data, dice.randrange(1, 7) * GRAIN)
    assert b"".join(storage.open(KEY)) == data


def test_googles_own_client_is_served_by_a_session_too(storage: GoogleStorage, data: bytes):
    upload = ResumableUpload("unused", GRAIN)
    session, stream = begun(storage), io.BytesIO(data)
    upload._resumable_url, upload._stream = session, stream
    upload._total_bytes, upload._content_type = SIZE, "video/mp4"
    with requests.Session() as transport:
        while not upload.finished:
            upload.transmit_next_chunk(transport)
    assert b"".join(storage.open(KEY)) == data


def test_a_session_that_was_given_up_is_gone(storage: GoogleStorage, data: bytes):
    session = begun(storage)
    storage.abandon_upload(KEY, session)
    storage.abandon_upload(KEY, session)
    for known in (session, None):
        with pytest.raises(Gone) as gone:
            storage.received(KEY, SIZE, known)
        assert gone.value.code == "upload_gone"
    assert requests.put(session, data=data, timeout=5).status_code == 499


@pytest.mark.parametrize("kind", ["503", "cut"])
def test_a_bucket_that_does_not_answer_is_an_outage(
    storage: GoogleStorage, store: FaultStore, kind: str
):
    session = begun(storage)
    store.faults = [Fault(kind, 9, part="upload_id")]
    for call in (
        lambda: storage.received(KEY, SIZE, session),
        lambda: storage.abandon_upload(KEY, session),
    ):
        with pytest.raises(StorageUnavailable):
            call()


def test_a_bucket_that_is_missing_is_an_outage(store: FaultStore):
    links = Links("http://127.0.0.1:8000", "secret")
    with pytest.raises(StorageUnavailable):
        begun(GoogleStorage("gs://no-such-bucket", links, store.url))


@pytest.fixture
def served(new_database, tmp_path: Path, storage: GoogleStorage) -> Iterator[Served]:
    made = serve(new_database("sqlite"), tmp_path)
    made.app = create_app(made.settings, made.store, RecordedBells(), storage)
    yield made
    made.store.db.close()


def test_the_bytes_never_pass_the_api_and_a_job_is_made_of_them(
    served: Served, storage: GoogleStorage, store: FaultStore, data: bytes
):
    client = served.app.test_client()
    upload = client.post(
        "/v1/uploads",
        json={"bytes": SIZE, "name": "talk.mp4"},
        headers={"Origin": "https://voice.example"},
    ).json
    assert upload["url"].startswith(store.url)
    asked = {"kind": "transcription", "upload": upload["id"]}
    early = client.post("/v1/jobs", json=asked)
    assert (early.status_code, early.json["error"]["code"]) == (409, "upload_incomplete")
    send(upload["url"], data, 2 * GRAIN)
    made = client.post("/v1/jobs", json=asked)
    assert made.status_code == 202
    shown = client.get(f"/v1/uploads/{upload['id']}").json
    assert (shown["state"], shown["received"], shown["url"]) == ("complete", SIZE, None)
    job = served.store.get(made.json["id"], "default")
    assert b"".join(storage.open(job.input["key"])) == data


def test_an_object_of_another_size_than_declared_is_not_taken(
    served: Served, storage: GoogleStorage
):
    client = served.app.test_client()
    upload = client.post("/v1/uploads", json={"bytes": SIZE}).json
    storage.put(f"t/default/inputs/{upload['id']}", b"short", "video/mp4", "one")
    answer = client.post("/v1/jobs", json={"kind": "transcription", "upload": upload["id"]})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "upload_incomplete")
    assert f"5 of {SIZE}" in answer.json["error"]["message"]


def test_an_upload_to_a_bucket_is_given_up_there_too(served: Served, data: bytes):
    client = served.app.test_client()
    upload = client.post("/v1/uploads", json={"bytes": SIZE}).json
    assert client.delete(f"/v1/uploads/{upload['id']}").status_code == 204
    assert requests.put(upload["url"], data=data, timeout=5).status_code == 499
