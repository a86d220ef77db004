"""Google Cloud Storage through a real fake-gcs-server over HTTP, whole and with faults in between."""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from speech.errors import Conflict, NotFound, StorageUnavailable
from speech.gcs import CHUNK, PIECE, GoogleStorage
from speech.links import Links
from speech.settings import Settings
from speech.storage import open_storage
from tests.gcs_fixtures import BUCKET, Fault, FaultStore, fault_store, gcs_url  # noqa: F401

pytestmark = pytest.mark.gcs
# The client leaves the answer of a refused download to the garbage collector, which closes its socket.
library_drops_streams = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)
LINKS = Links("http://127.0.0.1:8000", "secret")


@pytest.fixture
def store(gcs_url: str) -> Iterator[FaultStore]:  # noqa: F811
    with fault_store(gcs_url) as store:
        yield store


@pytest.fixture
def storage(store: FaultStore) -> GoogleStorage:
    return at(store.url)


def at(url: str, timeout: float = 5.0, deadline: float = 20.0, bucket: str = BUCKET):
    prefix = f"gs://{bucket}/{uuid4()}/목소리"
    return GoogleStorage(prefix, LINKS, url, timeout=timeout, deadline=deadline)


def test_bytes_and_files_come_back_whole_and_in_ranges(storage: GoogleStorage, tmp_path: Path):
    source = tmp_path / "big.wav"
    source.write_bytes(os.urandom(2 * CHUNK + 1000))
    put = storage.put("t/a/speech.wav", source, "audio/wav", "job-1")
    assert put == storage.stat("t/a/speech.wav")
    assert (put.size, put.content_type) == (2 * CHUNK + 1000, "audio/wav") and put.etag
    assert b"".join(storage.open("t/a/speech.wav")) == source.read_bytes()
    middle = b"".join(storage.open("t/a/speech.wav", PIECE - 5, 2 * PIECE + 5))
    assert middle == source.read_bytes()[PIECE - 5 : 2 * PIECE + 5]
    assert b"".join(storage.open("t/a/speech.wav", 2 * CHUNK + 990)) == source.read_bytes()[-10:]
    storage.fetch("t/a/speech.wav", tmp_path / "back.wav")
    assert (tmp_path / "back.wav").read_bytes() == source.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["back.wav", "big.wav"]


def test_an_empty_object_and_a_korean_key_are_kept(storage: GoogleStorage):
    assert storage.put("안녕 하세요/빈 것.txt", b"", "text/plain", "job-1").size == 0
    assert list(storage.open("안녕 하세요/빈 것.txt")) == []
    assert storage.stat("안녕 하세요/빈 것.txt") is not None


def test_an_object_of_ones_own_is_success_and_anothers_a_conflict(storage: GoogleStorage):
    first = storage.put("x.wav", b"one", "audio/wav", "job-1")
    assert storage.put("x.wav", b"one", "audio/wav", "job-1") == first
    with pytest.raises(Conflict) as caught:
        storage.put("x.wav", b"two", "audio/wav", "job-2")
    assert caught.value.code == "output_exists" and caught.value.fields == {"output": "x.wav"}
    assert b"".join(storage.open("x.wav")) == b"one"


def test_keys_are_listed_with_the_time_they_were_written(storage: GoogleStorage):
    begun = time.time()
    for key in ("t/가/1/x.wav", "t/가/2/y.wav", "wav_files/z.wav"):
        storage.put(key, b"one", "audio/wav", "job-1")
    found = dict(storage.keys("t/"))
    assert sorted(found) == ["t/가/1/x.wav", "t/가/2/y.wav"]
    assert all(begun - 2 < written < time.time() + 2 for written in found.values())
    assert list(storage.keys("nothing/")) == []


def test_a_copy_creates_only_unless_told_to_overwrite(storage: GoogleStorage):
    storage.put("x.wav", b"one", "audio/wav", "job-1")
    storage.put("taken.wav", b"older", "audio/wav", "job-0")
    made = storage.copy("x.wav", "out.wav", "audio/x-test", "job-1", False)
    assert made == storage.copy("x.wav", "out.wav", "audio/x-test", "job-1", False)
    assert made == storage.stat("out.wav") and made.content_type == "audio/x-test"
    with pytest.raises(Conflict):
        storage.copy("x.wav", "taken.wav", "audio/wav", "job-1", False)
    assert b"".join(storage.open("taken.wav")) == b"older"
    storage.copy("x.wav", "taken.wav", "audio/wav", "job-1", True)
    assert b"".join(storage.open("taken.wav")) == b"one"
    with pytest.raises(Conflict):  # it is job-1's now
        storage.put("taken.wav", b"older", "audio/wav", "job-0")


def test_what_is_not_there_is_told(storage: GoogleStorage, tmp_path: Path):
    assert storage.stat("x.wav") is None
    storage.delete("x.wav")
    for call in (
        lambda: storage.open("x.wav"),
        lambda: storage.fetch("x.wav", tmp_path / "x"),
        lambda: storage.copy("x.wav", "y.wav", "audio/wav", "job-1", False),
    ):
        with pytest.raises(NotFound) as caught:
            call()
        assert caught.value.code == "object_not_found"
    assert list(tmp_path.iterdir()) == []


def test_a_prefix_is_removed_and_its_neighbour_stays(storage: GoogleStorage):
    for key in ("t/1/x", "t/1/2/y", "t/10/z"):
        storage.put(key, b"one", "audio/wav", "job-1")
    assert storage.delete_prefix("t/1/") == 2 and storage.delete_prefix("t/1/") == 0
    assert storage.stat("t/1/x") is None and storage.stat("t/10/z") is not None
    assert 0 <= storage.probe() < 5


@pytest.mark.parametrize("kind", ["503", "cut"])
def test_an_upload_survives_a_burst_of_faults(storage: GoogleStorage, store: FaultStore, kind: str):
    store.faults = [Fault(kind, 2, "POST", "/upload/")]
    storage.put("x.wav", b"one", "audio/wav", "job-1")
    assert b"".join(storage.open("x.wav")) == b"one"
    assert sum("/upload/" in line for line in store.seen) == 3


@pytest.mark.parametrize("kind", ["503", "cut"])
def test_a_large_upload_goes_on_after_a_fault_in_its_middle(
    storage: GoogleStorage, store: FaultStore, tmp_path: Path, kind: str
):
    source = tmp_path / "big.wav"
    source.write_bytes(os.urandom(2 * CHUNK + 1000))
    store.faults = [Fault(kind, 1, "PUT", "upload_id")]
    storage.put("x.wav", source, "audio/wav", "job-1")
    assert b"".join(storage.open("x.wav")) == source.read_bytes()
    assert sum("PUT" in line for line in store.seen) == 4, "three chunks, one of them twice"


def test_an_upload_whose_answer_was_lost_is_success_and_not_a_conflict(
    storage: GoogleStorage, store: FaultStore
):
    store.faults = [Fault("swallow", 1, "POST", "/upload/")]
    put = storage.put("x.wav", b"one", "audio/wav", "job-1")
    assert put == storage.stat("x.wav") and put.size == 3
    assert [line.split("?")[0].split("/")[1] for line in store.seen[:3]] == [
        "upload",
        "upload",
        "storage",
    ], "it was sent again, refused with 412, and found to be our own"


def test_a_lost_answer_does_not_make_anothers_object_ours(
    storage: GoogleStorage, store: FaultStore
):
    storage.put("x.wav", b"theirs", "audio/wav", "job-0")
    store.faults = [Fault("swallow", 1, "POST", "/upload/")]
    with pytest.raises(Conflict):
        storage.put("x.wav", b"one", "audio/wav", "job-1")
    assert b"".join(storage.open("x.wav")) == b"theirs"


def test_a_copy_whose_answer_was_lost_is_success(storage: GoogleStorage, store: FaultStore):
    storage.put("x.wav", b"one", "audio/wav", "job-1")
    store.faults = [Fault("swallow", 1, "POST", "rewriteTo")]
    copied = storage.copy("x.wav", "y.wav", "audio/wav", "job-1", False)
    assert copied == storage.stat("y.wav")
    assert sum("rewriteTo" in line for line in store.seen) == 2


def test_a_delete_whose_answer_was_lost_is_success(storage: GoogleStorage, store: FaultStore):
    storage.put("x.wav", b"one", "audio/wav", "job-1")
    store.faults = [Fault("swallow", 1, "DELETE")]
    storage.delete("x.wav")
    assert storage.stat("x.wav") is None


@pytest.mark.parametrize("kind", ["503", "cut", "half"])
@library_drops_streams
def test_a_read_survives_a_fault_in_its_middle(
    storage: GoogleStorage, store: FaultStore, tmp_path: Path, kind: str
):
    source = tmp_path / "big.wav"
    source.write_bytes(os.urandom(2 * PIECE + 1000))
    storage.put("x.wav", source, "audio/wav", "job-1")
    store.faults = [Fault(kind, 1, "GET", "alt=media")]
    assert b"".join(storage.open("x.wav")) == source.read_bytes()
    store.faults = [Fault(kind, 1, "GET", "alt=media")]
    storage.fetch("x.wav", tmp_path / "back.wav")
    assert (tmp_path / "back.wav").read_bytes() == source.read_bytes()
    gc.collect()


@library_drops_streams
def test_bytes_spoiled_on_the_way_are_noticed(
    storage: GoogleStorage, store: FaultStore, tmp_path: Path
):
    storage.put("x.wav", b"one" * 1000, "audio/wav", "job-1")
    store.faults = [Fault("spoil", 99, "GET", "alt=media")]
    with pytest.raises(StorageUnavailable):
        storage.fetch("x.wav", tmp_path / "back.wav")
    assert list(tmp_path.iterdir()) == []
    gc.collect()


@pytest.mark.parametrize("kind", ["503", "cut", "stall"])
@pytest.mark.slow
@library_drops_streams
def test_a_store_that_is_down_is_an_outage_within_a_bounded_time(store: FaultStore, kind: str):
    storage = at(store.url, timeout=1.0, deadline=2.0)
    store.faults = [Fault(kind, 999)]
    calls = [
        lambda: storage.put("x.wav", b"one", "audio/wav", "job-1"),
        lambda: storage.copy("x.wav", "y.wav", "audio/wav", "job-1", False),
        lambda: storage.stat("x.wav"),
        lambda: storage.open("x.wav"),
        lambda: storage.delete("x.wav"),
        lambda: storage.delete_prefix("x/"),
        lambda: storage.probe(),
    ]

    def seconds(call: Callable[[], object]) -> float:
        begun = time.monotonic()
        with pytest.raises(StorageUnavailable):
            call()
        return time.monotonic() - begun

    with ThreadPoolExecutor(len(calls)) as pool:
        took = list(pool.map(seconds, calls))
    assert max(took) < 2.0 + 1.0 + 1.5, "the deadline, one more request, and slack"
    gc.collect()


def test_with_every_third_request_refused_all_puts_succeed(
    storage: GoogleStorage, store: FaultStore
):
    store.faults = [Fault("503", 999, every=3)]
    keys = [f"{number}.wav" for number in range(20)]
    for key in keys:
        storage.put(key, key.encode(), "audio/wav", "job-1")
    store.faults = []
    assert [b"".join(storage.open(key)) for key in keys] == [key.encode() for key in keys]


def test_a_port_where_nothing_listens_is_an_outage():
    storage = at("http://127.0.0.1:9", timeout=1.0, deadline=1.0)
    with pytest.raises(StorageUnavailable):
        storage.probe()


def test_a_bucket_that_is_missing_is_an_outage(store: FaultStore):
    storage = at(store.url, bucket="no-such-bucket")
    with pytest.raises(StorageUnavailable):
        storage.put("x.wav", b"one", "audio/wav", "job-1")


def test_settings_open_a_bucket_at_another_endpoint(gcs_url: str, tmp_path: Path):  # noqa: F811
    settings = Settings(
        data_dir=str(tmp_path), storage_url=f"gs://{BUCKET}", storage_endpoint=gcs_url
    )
    storage = open_storage(settings)
    key = f"{uuid4()}.wav"
    storage.put(key, b"one", "audio/wav", "job-1")
    assert b"".join(storage.open(key)) == b"one"
    url = storage.url(key, "안녕.wav", "audio/wav", 60)
    assert url.startswith(f"{settings.links_url}/files/"), "no credentials, so our own link"
    assert Links.from_settings(settings).read(url.split("/")[4]).key == key


def test_each_process_makes_a_client_of_its_own(storage: GoogleStorage):
    storage.put("x.wav", b"one", "audio/wav", "job-1")
    mine = storage.bucket().client
    assert storage.bucket().client is mine
    child = os.fork()
    if child == 0:  # pytest must not run on in the child
        ok = storage.bucket().client is not mine and b"".join(storage.open("x.wav")) == b"one"
        os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_folder_does_not_load_googles_client(tmp_path: Path):
    code = (
        "import sys; from speech.settings import Settings; from speech.storage import open_storage;"
        "open_storage(Settings(data_dir=sys.argv[1]));"
        "sys.exit(any(name.startswith('google.cloud') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60).returncode == 0
