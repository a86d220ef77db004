"""Rows of uploads: whose they are, which jobs may name them, and how they go."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from speech import erasing, uploads
from speech.errors import NotFound
from speech.filesystem import FileStorage
from speech.jobs import NewJob
from speech.links import Links
from speech.schema import trash
from speech.store import JobStore
from speech.uploads import Upload
from tests.some_jobs import batch, made


@pytest.fixture
def storage(tmp_path: Path) -> FileStorage:
    (tmp_path / "root").mkdir()
    return FileStorage(tmp_path / "root", Links("http://127.0.0.1:8000", "secret"))


def added(store: JobStore, name: str = "one", ttl: float = 60.0, tenant: str = "default") -> Upload:
    with store.writing() as tx:
        return uploads.add(
            tx, ttl, id=name, tenant=tenant, key=f"t/{tenant}/inputs/{name}", name="talk.mp4", bytes=3,
            content_type="video/mp4", session=None,
        )  # fmt: skip


def whole(store: JobStore, storage: FileStorage, name: str = "one", ttl: float = 60.0) -> Upload:
    """An upload whose bytes are there."""
    upload = added(store, name)
    storage.put(upload.key, b"abc", "video/mp4", name)
    with store.writing() as tx:
        return uploads.complete(tx, upload, ttl)


def found(store: JobStore, upload: Upload, tenant: str | None = "default") -> Upload:
    with store.db.read() as connection:
        return uploads.get(connection, upload.id, tenant)


def late(store: JobStore, after: tuple[float, str] = (0.0, ""), limit: int = 9) -> list[Upload]:
    with store.db.read() as connection:
        return uploads.expired(connection, store.db.now(connection), after, limit)


def taken(store: JobStore, upload: Upload) -> list[str]:
    """What the trash holds once the upload was forgotten."""
    with store.writing() as tx:
        went = erasing.take_upload(tx, upload)
        thrown = list(tx.connection.execute(select(trash.c.key)).scalars())
    assert went == (upload.key in thrown)
    return thrown


def hearing(upload: Upload) -> NewJob:
    return NewJob("transcription", "transcription", {}, input=upload.as_input())


def test_an_upload_is_found_by_its_tenant_alone(store: JobStore):
    upload = added(store)
    assert upload.state == "open" and upload.expires == upload.created + 60.0
    assert found(store, upload) == found(store, upload, None) == upload
    for name, tenant in (
        ("one", "other"),
        ("two", "default"),
        ("a\0b", "default"),
        ("x" * 99, "default"),
    ):
        with pytest.raises(NotFound) as refused, store.db.read() as connection:
            uploads.get(connection, name, tenant)
        assert refused.value.code == "upload_not_found"


def test_sizes_beyond_two_gigabytes_are_kept(store: JobStore):
    with store.writing() as tx:
        upload = uploads.add(
            tx, 60.0, id="big", tenant="default", key="k", name="", bytes=5_000_000_000,
            content_type="video/mp4", session="https://storage.example/session",
        )  # fmt: skip
    assert found(store, upload) == upload


def test_a_session_is_not_shown_by_accident(store: JobStore):
    with store.writing() as tx:
        upload = uploads.add(
            tx, 60.0, id="one", tenant="default", key="k", name="", bytes=1, content_type="a/b",
            session="https://storage.example/secret",
        )  # fmt: skip
    assert "secret" not in repr(upload)


def test_jobs_name_a_complete_upload_and_no_other(store: JobStore, storage: FileStorage):
    upload = added(store)
    with pytest.raises(NotFound) as refused:
        made(store, hearing(upload))
    assert (refused.value.code, refused.value.param) == ("upload_not_found", "upload")
    with store.writing() as tx:
        upload = uploads.complete(tx, upload, 60.0)
    assert made(store, hearing(upload)).input == upload.as_input()
    top, _ = batch(0)
    two = whole(store, storage, "two")
    items = store.children(made(store, top, [hearing(upload), hearing(two), hearing(two)]).id)
    assert [item.input["upload"] for item in items] == ["one", "two", "two"]


def test_a_batch_with_one_upload_that_has_gone_is_refused_whole(
    store: JobStore, storage: FileStorage
):
    upload, gone = whole(store, storage), whole(store, storage, "two")
    taken(store, gone)
    with pytest.raises(NotFound):
        store.create(batch(0)[0], [hearing(upload), hearing(gone)])
    assert store.page("default")[0] == []


def test_erasing_the_last_job_of_an_upload_erases_the_upload(store: JobStore, storage: FileStorage):
    upload = whole(store, storage)
    jobs = [made(store, hearing(upload)) for _ in range(2)]
    for job in jobs:
        store.cancel(job.id, "default")
    assert store.erase(jobs[0].id, "default") == []
    assert found(store, upload) == upload
    assert store.erase(jobs[1].id, "default") == [upload.key]
    with pytest.raises(NotFound):
        found(store, upload)


def test_a_retry_keeps_the_input_when_the_upload_has_gone(store: JobStore, storage: FileStorage):
    upload = whole(store, storage)
    job = made(store, hearing(upload))
    store.cancel(job.id, "default")
    assert taken(store, upload) == []
    again = store.retry(job.id, "default")
    assert again.input == upload.as_input()
    assert store.erase(job.id, "default") == []
    store.cancel(again.id, "default")
    assert store.erase(again.id, "default") == [upload.key]


def test_a_removed_upload_takes_its_bytes_along_unless_a_job_has_them(
    store: JobStore, storage: FileStorage
):
    lone, used = whole(store, storage, "lone"), whole(store, storage, "used")
    made(store, hearing(used))
    assert [taken(store, upload) for upload in (used, lone)] == [[], [lone.key]]
    for upload in (lone, used):
        with pytest.raises(NotFound):
            found(store, upload)
        with pytest.raises(NotFound), store.writing() as tx:
            uploads.complete(tx, upload, 60.0)


def test_time_begins_anew_when_an_upload_is_whole_and_then_ends(
    store: JobStore, storage: FileStorage
):
    added(store, "open", ttl=-1.0)
    whole(store, storage, "kept", ttl=60.0)
    whole(store, storage, "over", ttl=-2.0)
    first, second = late(store)
    assert (first.id, second.id) == ("over", "open")
    assert late(store, limit=1) == [first]
    assert late(store, (first.expires, first.id)) == [second]
    assert late(store, (second.expires, second.id)) == []


def test_jobs_and_removals_at_once_leave_no_job_without_its_input(
    store: JobStore, storage: FileStorage
):
    """Whoever comes first: the job that was made has its bytes, the others were refused."""
    for n in range(20):
        upload = whole(store, storage, f"u{n}")
        ready, accepted, thrown = threading.Barrier(3), [], []

        def accept(upload: Upload = upload, ready=ready, accepted=accepted) -> None:
            ready.wait()
            try:
                accepted.append(store.create(hearing(upload))[0])
            except NotFound:
                pass

        def remove(upload: Upload = upload, ready=ready, thrown=thrown) -> None:
            ready.wait()
            thrown.extend(key for key in taken(store, upload) if key == upload.key)

        threads = [threading.Thread(target=one) for one in (accept, accept, remove)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert bool(thrown) != bool(accepted)


def test_jobs_and_erasing_at_once_leave_no_job_without_its_input(
    store: JobStore, storage: FileStorage
):
    for n in range(20):
        upload = whole(store, storage, f"u{n}")
        old = made(store, hearing(upload))
        store.cancel(old.id, "default")
        ready, accepted = threading.Barrier(2), []

        def accept(upload: Upload = upload, ready=ready, accepted=accepted) -> None:
            ready.wait()
            try:
                accepted.append(store.create(hearing(upload))[0])
            except NotFound:
                pass

        thread = threading.Thread(target=accept)
        thread.start()
        ready.wait()
        gone = store.erase(old.id, "default")
        thread.join()
        assert (upload.key in gone) == (not accepted)
