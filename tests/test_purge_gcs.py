"""The purge over a bucket: a real fake-gcs-server, with refusals in between."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from speech import purge, strays
from speech.database import Database
from speech.errors import StorageUnavailable
from speech.gcs import GoogleStorage
from speech.links import Links
from speech.purge import OWNER, Purge
from speech.store import JobStore
from tests.aged import age
from tests.gcs_fixtures import BUCKET, Fault, fault_store, gcs_url  # noqa: F401
from tests.stub_runners import Bench, done

pytestmark = pytest.mark.gcs


@pytest.fixture
def bucket(gcs_url: str):  # noqa: F811
    """The store of objects with faults, and a GoogleStorage over it with a prefix of its own."""
    with fault_store(gcs_url) as faulty:
        links = Links("http://127.0.0.1:8000", "secret")
        url = f"gs://{BUCKET}/{uuid4()}"
        yield faulty, GoogleStorage(url, links, faulty.url, timeout=5.0, deadline=1.0)


@pytest.fixture
def bench(bucket: Any, new_database: Any, tmp_path: Path):
    """A runner whose files are in the bucket."""
    store = JobStore(Database(new_database("sqlite"), durable=False))
    made = Bench(store, tmp_path)
    made.storage = made.runner.storage = bucket[1]
    yield made
    store.db.close()


def run(bench: Bench) -> dict[str, int]:
    return dict(Purge(bench.store, bench.storage, bench.settings, "test").run())


def names(bench: Bench) -> list[str]:
    return sorted(key for key, _ in bench.storage.keys("t/") if key != OWNER)


def test_files_jobs_and_strays_go_from_a_bucket(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = bench.add(outputs=("wav_files/1/a.wav",), promised=("speech.wav",))
    bench.run(done)
    went = bench.add()
    bench.run(done)
    for key in ("t/default/inputs/lost", "t/default/jobs/nobody/1/a.wav", "t/default/other/x"):
        bench.storage.put(key, b"stray", "audio/wav", "nobody")
    age(bench.store, 91)
    assert run(bench) == {"artifacts": 2, "rows": 1, "objects": 2}  # the strays are young
    monkeypatch.setattr(purge, "MARGIN", -60.0)
    assert run(bench) == {"strays": 2, "objects": 2}
    assert names(bench) == ["t/default/other/x"]
    assert bench.storage.stat("wav_files/1/a.wav") is not None
    assert bench.get(kept).files_expired and not bench.store.page("other")[0]
    assert went.id not in str(names(bench))


def test_an_object_that_is_refused_stops_nobody_and_an_outage_ends_the_run(
    bench: Bench, bucket: Any
) -> None:
    faulty, _ = bucket
    jobs = [bench.add() for _ in range(3)]
    while bench.run(done):
        pass
    age(bench.store, 31)
    faulty.faults = [Fault("503", 999, "DELETE", jobs[1].id)]
    assert run(bench) == {"artifacts": 3, "objects": 2, "failed": 1}
    assert [key for key in names(bench) if jobs[1].id not in key] == []
    faulty.faults = [Fault("503", 999)]
    with pytest.raises(StorageUnavailable):
        run(bench)
    faulty.faults = []
    assert run(bench) == {"objects": 1}
    assert names(bench) == []


def test_a_listing_asks_for_names_and_times_only(bucket: Any) -> None:
    faulty, storage = bucket
    storage.put("t/default/inputs/one", b"x", "audio/wav", "one")
    faulty.seen.clear()
    (bunch,) = strays.listed(storage, float("inf"))
    assert [found.name for found in bunch] == ["one"]
    (asked,) = faulty.seen
    assert "fields=items%28name%2Cupdated%29%2CnextPageToken" in asked
