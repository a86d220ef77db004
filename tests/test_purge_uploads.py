"""The purge and uploads: what was never finished or named goes with its time, what may still be named stays."""

import uuid
from pathlib import Path

import pytest

from speech import uploads
from speech.errors import NotFound
from speech.purge import OWNER, Purge
from speech.retention import DAY
from speech.schema import uploads as rows
from speech.store import JobStore
from speech.uploads import Upload
from tests.aged import age, age_files, stored
from tests.stub_runners import Bench, done


@pytest.fixture
def bench(store: JobStore, tmp_path: Path) -> Bench:
    return Bench(store, tmp_path)


def purge(bench: Bench, dry: bool = False) -> dict[str, int]:
    return dict(Purge(bench.store, bench.storage, bench.settings, "test", dry).run())


def begun(bench: Bench, sent: bytes, ttl: float = 7 * DAY) -> Upload:
    """An upload of five bytes, of which some have come."""
    name = str(uuid.uuid4())
    key = f"t/default/inputs/{name}"
    bench.storage.begin_upload(key, 5, "audio/wav", name, None)
    received = bench.storage.append(key, 5, 0, [sent])
    with bench.store.writing() as tx:
        upload = uploads.add(
            tx, ttl, id=name, tenant="default", key=key, name="a.wav", bytes=5,
            content_type="audio/wav", session=None,
        )  # fmt: skip
        return uploads.complete(tx, upload, ttl) if received == 5 else upload


def is_there(bench: Bench, upload: Upload) -> bool:
    try:
        with bench.store.db.read() as connection:
            uploads.get(connection, upload.id, "default")
    except NotFound:
        return False
    return True


def objects(bench: Bench) -> list[str]:
    return [key for key in stored(bench.storage.root) if key != OWNER]


def wait(bench: Bench, days: float) -> None:
    """Let days pass for all uploads, jobs and files."""
    with bench.store.db.write() as tx:
        tx.connection.execute(rows.update().values(expires=rows.c.expires - days * DAY))
    age(bench.store, days)
    age_files(bench.storage.root, days)


@pytest.mark.parametrize("sent", [b"sou", b"sound"])
def test_an_upload_that_no_job_named_goes_with_its_bytes_after_a_week(bench: Bench, sent: bytes):
    upload = begun(bench, sent)
    wait(bench, 6)
    assert purge(bench) == {} and is_there(bench, upload)
    assert bench.storage.received(upload.key, 5, None) == len(sent)
    wait(bench, 2)
    assert purge(bench, dry=True) == {"uploads": 1} and is_there(bench, upload)
    assert purge(bench) == {"uploads": 1, "objects": 1} and not is_there(bench, upload)
    assert objects(bench) == []


def test_many_go_in_one_run(bench: Bench):
    for _ in range(120):
        begun(bench, b"")
    wait(bench, 8)
    assert purge(bench) == {"uploads": 120, "objects": 120}
    assert objects(bench) == []


def test_the_bytes_stay_while_a_job_may_still_be_made_of_them_and_go_with_the_jobs_input(
    bench: Bench,
):
    upload = begun(bench, b"sound", ttl=20 * DAY)
    job = bench.add(input=upload.as_input())
    assert bench.run(done)
    wait(bench, 10)
    assert purge(bench) == {} and is_there(bench, upload)
    assert bench.get(job).input == upload.as_input()
    wait(bench, 11)
    assert purge(bench) == {"uploads": 1, "inputs": 1, "objects": 1}
    assert (bench.get(job).input or {}).get("expired")


def test_a_live_job_keeps_its_bytes_when_the_upload_has_gone(bench: Bench):
    upload = begun(bench, b"sound")
    job = bench.add(input=upload.as_input())
    wait(bench, 100)
    assert purge(bench) == {"uploads": 1} and not is_there(bench, upload)
    assert objects(bench) == [upload.key]
    assert bench.run(done)
    assert bench.get(job).state == "succeeded"


def test_what_a_kill_leaves_before_the_row_goes_after_a_day(bench: Bench):
    kept, name = begun(bench, b"sou"), str(uuid.uuid4())
    bench.storage.begin_upload(f"t/default/inputs/{name}", 5, "audio/wav", name, None)
    assert purge(bench) == {}
    age_files(bench.storage.root, 2)
    assert purge(bench, dry=True) == {"strays": 1}
    assert purge(bench) == {"strays": 1, "objects": 1}
    assert objects(bench) == [f"t/default/inputs/.{kept.id}.upload"]


def test_what_a_kill_leaves_of_a_form_goes_too(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    left = bench.storage.root / "t/default/inputs/.0123.partial"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"RI")
    assert purge(bench) == {} and left.exists()
    monkeypatch.setattr("speech.purge.MARGIN", -60.0)  # nothing but time changes a file's ctime
    assert purge(bench, dry=True) == {"strays": 1} and left.exists()
    assert purge(bench) == {"strays": 1} and not left.exists()
