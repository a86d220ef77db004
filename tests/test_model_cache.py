"""The cache of models, filled from a real fake-gcs-server, whole and with faults in between."""

import multiprocessing
import os
from pathlib import Path

import pytest

from speech.errors import Internal, NotFound, Unavailable
from speech.model_bucket import ModelBucket
from speech.model_cache import Known, ModelCache, Wanted, matches
from tests.gcs_fixtures import Fault
from tests.shelves import Shelf, sha256

pytestmark = [
    pytest.mark.gcs,
    # The client leaves the answer of a refused download to the garbage collector, which closes its socket.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]
DATA = os.urandom(100_000)
LIMIT = 1_000_000  # bytes
SPAWN = multiprocessing.get_context("spawn")


def cache(shelf: Shelf, folder: Path, limit: int = LIMIT) -> ModelCache:
    return ModelCache(folder, limit, ModelBucket(shelf.store.url, 5.0, 1.0))


def wanted(shelf: Shelf, name: str = "a.bin", data: bytes = DATA) -> Wanted:
    return Wanted(name, shelf.put(name, data), f"sha256:{sha256(data)}")


def test_a_file_is_fetched_once_and_then_found_without_the_bucket(shelf: Shelf, tmp_path: Path):
    file = wanted(shelf)
    held = cache(shelf, tmp_path).hold("entry", [file])
    assert (held.folder / "a.bin").read_bytes() == DATA
    shelf.store.faults = [Fault("503", times=1000)]
    asked = len(shelf.store.seen)
    assert cache(shelf, tmp_path).hold("entry", [file]).folder == held.folder
    assert cache(shelf, tmp_path).find("entry", [file]) == held.folder
    assert len(shelf.store.seen) == asked


@pytest.mark.parametrize("kind", ["sha256", "md5", "crc32c"])
def test_every_kind_of_checksum_is_held_against_the_bytes(
    shelf: Shelf, tmp_path: Path, kind: str
) -> None:
    seen = cache(shelf, tmp_path).bucket.stat(shelf.put("a.bin", DATA))
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    sums = {
        "sha256": sha256(DATA), "md5": seen.checksum.removeprefix("md5:"),
        "crc32c": crc32c_of_google(shelf, "a.bin"),
    }  # fmt: skip
    assert matches(path, f"{kind}:{sums[kind]}")
    path.write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))
    assert not matches(path, f"{kind}:{sums[kind]}")


def crc32c_of_google(shelf: Shelf, name: str) -> str:
    """The sum as the server has it, hex."""
    import base64

    blob = shelf._bucket.get_blob(f"{shelf.prefix}/{name}")
    return base64.b64decode(blob.crc32c).hex()


def test_a_damaged_file_of_the_cache_is_fetched_again(shelf: Shelf, tmp_path: Path):
    file = wanted(shelf)
    held = cache(shelf, tmp_path).hold("entry", [file])
    (held.folder / "a.bin").write_bytes(b"rotten")
    assert cache(shelf, tmp_path).find("entry", [file]) is None
    again = cache(shelf, tmp_path).hold("entry", [file])
    assert (again.folder / "a.bin").read_bytes() == DATA
    assert shelf.fetched("a.bin") == 2


def test_a_transfer_that_was_spoiled_is_done_again(shelf: Shelf, tmp_path: Path):
    file = wanted(shelf)
    shelf.store.faults = [Fault("spoil", method="GET", part="/download/")]
    held = cache(shelf, tmp_path).hold("entry", [file])
    assert (held.folder / "a.bin").read_bytes() == DATA
    assert shelf.fetched("a.bin") == 2


def test_a_damaged_object_is_fetched_twice_and_then_named(shelf: Shelf, tmp_path: Path):
    file = wanted(shelf)
    shelf.put("a.bin", b"something else")
    with pytest.raises(Internal) as caught:
        cache(shelf, tmp_path).hold("entry", [file])
    assert caught.value.code == "model_object_damaged"
    assert file.url in caught.value.message("ko")
    assert shelf.fetched("a.bin") == 2
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]


def test_a_missing_object_is_named(shelf: Shelf, tmp_path: Path):
    file = Wanted("b.bin", f"{shelf.url}/b.bin", f"sha256:{sha256(b'')}")
    with pytest.raises(Internal, match=r"b\.bin is not in its bucket"):
        cache(shelf, tmp_path).hold("entry", [file])


def test_without_cache_and_bucket_the_rights_that_it_needs_are_named(shelf: Shelf, tmp_path: Path):
    file = wanted(shelf)
    shelf.store.faults = [Fault("503", times=1000)]
    with pytest.raises(Unavailable, match=r"storage\.objects\.get"):
        cache(shelf, tmp_path).hold("entry", [file])


def test_what_a_killed_process_left_half_fetched_is_removed(shelf: Shelf, tmp_path: Path):
    left = tmp_path / "cache" / "entry" / ".0123.partial"
    left.parent.mkdir(parents=True)
    left.write_bytes(DATA[:10])
    cache(shelf, tmp_path).hold("entry", [wanted(shelf)])
    assert not left.exists()


def fetch_in_a_process(endpoint: str, folder: Path, file: Wanted, begin, done) -> None:
    made = ModelCache(folder, LIMIT, ModelBucket(endpoint, 5.0, 5.0))
    begin.wait(30)
    done.put(matches(made.hold("entry", [file]).folder / "a.bin", file.checksum))


def test_many_processes_at_once_fetch_once(shelf: Shelf, tmp_path: Path):
    file, begin, done = wanted(shelf), SPAWN.Barrier(3), SPAWN.Queue()
    given = (shelf.store.url, tmp_path, file, begin, done)
    processes = [SPAWN.Process(target=fetch_in_a_process, args=given) for _ in range(3)]
    for process in processes:
        process.start()
    assert [done.get(timeout=30) for _ in processes] == [True] * 3
    for process in processes:
        process.join(10)
    done.close()
    done.join_thread()
    assert shelf.fetched("a.bin") == 1


def test_the_longest_unused_goes_first_and_what_is_in_use_stays(shelf: Shelf, tmp_path: Path):
    small = cache(shelf, tmp_path, limit=250_000)
    files = {name: wanted(shelf, f"{name}.bin", os.urandom(100_000)) for name in "abcd"}
    in_use = small.hold("a", [files["a"]])
    small.hold("b", [files["b"]])
    small.hold("c", [files["c"]])  # in place of b: a is older, and in use
    assert kept(tmp_path) == ["a", "c"]
    in_use.close()
    os.utime(tmp_path / "cache" / "a", (1, 1))
    small.hold("d", [files["d"]])
    assert kept(tmp_path) == ["c", "d"]


def test_an_entry_larger_than_the_limit_is_kept_while_it_is_used(shelf: Shelf, tmp_path: Path):
    small = cache(shelf, tmp_path, limit=10)
    held = small.hold("a", [wanted(shelf)])
    assert kept(tmp_path) == ["a"] and (held.folder / "a.bin").is_file()


def kept(folder: Path) -> list[str]:
    """The entries of a cache, for people who count."""
    return sorted(path.name for path in (folder / "cache").iterdir())


def test_without_a_disk_nothing_is_remembered_and_nothing_breaks(shelf: Shelf, tmp_path: Path):
    (tmp_path / "known").write_text("no folder")
    made = cache(shelf, tmp_path)
    made.remember("gs://a/b", Known("1", "{}"))
    assert made.recall("gs://a/b") is None


def test_a_bucket_that_cannot_exist_is_named(shelf: Shelf, tmp_path: Path):
    with pytest.raises((Unavailable, NotFound)):
        cache(shelf, tmp_path).bucket.stat("gs://no such bucket/x")


def test_what_was_remembered_of_a_url_is_recalled_and_nothing_else(shelf: Shelf, tmp_path: Path):
    made = cache(shelf, tmp_path)
    assert made.recall("gs://a/b") is None
    made.remember("gs://a/b", Known("1", "{}"))
    made.remember("gs://a/b", Known("2", "목소리"))
    assert made.recall("gs://a/b") == Known("2", "목소리")
    assert made.recall("gs://a/c") is None
    next((tmp_path / "known").iterdir()).write_text("half")
    assert made.recall("gs://a/b") is None
