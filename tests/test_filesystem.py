"""The local folder: whole files, created once, and outages told from faults."""

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from speech import whole_files
from speech.errors import Conflict, InvalidRequest, NotFound, StorageUnavailable
from speech.filesystem import FileStorage
from speech.links import Links
from speech.settings import Settings
from speech.storage import open_storage


@pytest.fixture
def storage(tmp_path: Path) -> FileStorage:
    (tmp_path / "root").mkdir()
    return FileStorage(tmp_path / "root", Links("http://127.0.0.1:8000", "secret"))


def names(storage: FileStorage) -> list[str]:
    return sorted(str(p.relative_to(storage.root)) for p in storage.root.rglob("*") if p.is_file())


def test_bytes_and_files_come_back_whole_and_in_ranges(storage: FileStorage, tmp_path: Path):
    source = tmp_path / "big.wav"
    source.write_bytes(os.urandom(2_500_000))
    put = storage.put("t/a/1/speech.wav", source, "audio/wav", "job-1")
    assert put == storage.stat("t/a/1/speech.wav") and put.size == 2_500_000
    assert b"".join(storage.open("t/a/1/speech.wav")) == source.read_bytes()
    middle = b"".join(storage.open("t/a/1/speech.wav", 1_048_000, 2_200_000))
    assert middle == source.read_bytes()[1_048_000:2_200_000]
    assert b"".join(storage.open("t/a/1/speech.wav", 2_499_990)) == source.read_bytes()[-10:]
    assert b"".join(storage.open("t/a/1/speech.wav", 5, 5)) == b""
    storage.fetch("t/a/1/speech.wav", tmp_path / "back.wav")
    assert (tmp_path / "back.wav").read_bytes() == source.read_bytes()


def test_the_same_bytes_again_are_success_and_others_a_conflict(storage: FileStorage):
    first = storage.put("a/x.wav", b"one", "audio/wav", "job-1")
    assert storage.put("a/x.wav", b"one", "audio/wav", "job-1") == first
    with pytest.raises(Conflict) as caught:
        storage.put("a/x.wav", b"two", "audio/wav", "job-2")
    assert caught.value.code == "output_exists"
    assert b"".join(storage.open("a/x.wav")) == b"one" and names(storage) == ["a/x.wav"]


def test_a_copy_is_a_hard_link_and_can_be_repeated(storage: FileStorage):
    storage.put("a/x.wav", b"one", "audio/wav", "job-1")
    first = storage.copy("a/x.wav", "wav_files/1/y.wav", "audio/wav", "job-1", False)
    assert storage.copy("a/x.wav", "wav_files/1/y.wav", "audio/wav", "job-1", False) == first
    assert (storage.root / "a/x.wav").samefile(storage.root / "wav_files/1/y.wav")
    storage.delete_prefix("a/")
    assert b"".join(storage.open("wav_files/1/y.wav")) == b"one"


def test_keys_are_listed_with_the_time_they_were_written(storage: FileStorage):
    for key in ("t/a/1/x.wav", "t/a/2/y.wav", "wav_files/z.wav"):
        storage.put(key, b"one", "audio/wav", "job-1")
    (storage.root / "t/a/.half-written.partial").write_bytes(b"on")
    storage.begin_upload("t/a/inputs/1", 5, "audio/wav", "1", None)
    os.utime(storage.root / "t/a/2/y.wav", (1000, 1000))
    found = dict(storage.keys("t/"))
    assert sorted(found) == ["t/a/1/x.wav", "t/a/2/y.wav", "t/a/inputs/1"]
    assert found["t/a/2/y.wav"] == 1000 < found["t/a/1/x.wav"]
    assert list(storage.keys("nothing/")) == []


def test_what_killed_writers_left_is_tidied_away_and_nothing_else(storage: FileStorage):
    for key in ("t/a/inputs/1", ".partial.wav"[1:]):
        storage.put(key, b"one", "audio/wav", "job-1")
    storage.begin_upload("t/a/inputs/2", 5, "audio/wav", "2", None)
    left = [storage.root / "t/a/inputs/.0123.partial", storage.root / ".4567.partial"]
    for path in left:
        path.write_bytes(b"on")
    kept = {path for path in storage.root.rglob("*") if path not in left}
    assert storage.tidy(time.time() - 60, dry=False) == 0
    assert storage.tidy(time.time() + 60, dry=True) == 2 and all(path.exists() for path in left)
    assert storage.tidy(time.time() + 60, dry=False) == 2
    assert set(storage.root.rglob("*")) == kept


def test_a_copy_over_anothers_object_is_refused_unless_asked_for(storage: FileStorage):
    storage.put("a/x.wav", b"one", "audio/wav", "job-1")
    old = storage.put("out.wav", b"older", "audio/wav", "job-0")
    with pytest.raises(Conflict):
        storage.copy("a/x.wav", "out.wav", "audio/wav", "job-1", False)
    assert storage.stat("out.wav") == old
    new = storage.copy("a/x.wav", "out.wav", "audio/wav", "job-1", True)
    again = storage.copy("a/x.wav", "out.wav", "audio/wav", "job-1", True)
    assert new == again and new.etag != old.etag
    assert b"".join(storage.open("out.wav")) == b"one"
    assert names(storage) == ["a/x.wav", "out.wav"]


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EMLINK])
def test_without_hard_links_all_promises_hold(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch, number: int
):
    def refused(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(whole_files.os, "link", refused)
    storage.put("a/x.wav", b"one", "audio/wav", "job-1")
    storage.copy("a/x.wav", "b/y.wav", "audio/wav", "job-1", False)
    storage.copy("a/x.wav", "b/y.wav", "audio/wav", "job-1", False)
    storage.put("b/z.wav", b"two", "audio/wav", "job-2")
    with pytest.raises(Conflict):
        storage.copy("a/x.wav", "b/z.wav", "audio/wav", "job-1", False)
    storage.copy("a/x.wav", "b/z.wav", "audio/wav", "job-1", True)
    assert b"".join(storage.open("b/z.wav")) == b"one"
    assert names(storage) == ["a/x.wav", "b/y.wav", "b/z.wav"]


@pytest.mark.parametrize("hard_links", [True, False])
def test_of_many_writers_at_once_one_wins_and_its_bytes_stay(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch, hard_links: bool
):
    if not hard_links:
        monkeypatch.setattr(
            whole_files.os, "link", lambda *a: (_ for _ in ()).throw(OSError(errno.EPERM, "no"))
        )
    begin, outcome = threading.Barrier(8), {}

    def write(number: int) -> None:
        begin.wait()
        try:
            storage.put("a/x.bin", bytes([number]) * 200_000, "x/y", f"job-{number}")
            outcome[number] = "won"
        except Conflict:
            outcome[number] = "lost"

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    winner = [n for n, said in outcome.items() if said == "won"]
    assert len(outcome) == 8 and len(winner) == 1
    assert b"".join(storage.open("a/x.bin")) == bytes(winner) * 200_000


def test_nothing_can_be_read_before_the_whole_is_written(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
):
    seen = []
    real = whole_files.os.fsync
    monkeypatch.setattr(
        whole_files.os, "fsync", lambda fd: (seen.append(storage.stat("a/x.wav")), real(fd))
    )
    storage.put("a/x.wav", b"one" * 1000, "audio/wav", "job-1")
    assert seen[0] is None and seen[-1] is not None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_full_or_broken_disk_is_an_outage_and_leaves_nothing(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch, number: int
):
    def refused(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(whole_files.os, "fsync", refused)
    with pytest.raises(StorageUnavailable) as caught:
        storage.put("a/x.wav", b"one", "audio/wav", "job-1")
    assert isinstance(caught.value.__cause__, OSError) and names(storage) == []


def test_a_folder_that_went_away_is_an_outage_and_not_made_anew(storage: FileStorage):
    storage.put("a/x.wav", b"one", "audio/wav", "job-1")
    storage.root.rename(storage.root.with_name("elsewhere"))
    calls = [
        lambda: storage.put("a/y.wav", b"two", "audio/wav", "job-1"),
        lambda: storage.copy("a/x.wav", "b.wav", "audio/wav", "job-1", False),
        lambda: storage.stat("a/x.wav"),
        lambda: storage.open("a/x.wav"),
        lambda: storage.delete("a/x.wav"),
        lambda: storage.delete_prefix("a/"),
        lambda: storage.probe(),
    ]
    for call in calls:
        with pytest.raises(StorageUnavailable):
            call()
    assert not storage.root.exists()


def test_a_source_that_is_missing_is_the_callers_fault(storage: FileStorage, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        storage.put("a/x.wav", tmp_path / "missing", "audio/wav", "job-1")


def test_what_is_not_there_is_told(storage: FileStorage, tmp_path: Path):
    assert storage.stat("a/x.wav") is None
    storage.delete("a/x.wav")
    assert storage.delete_prefix("a/") == 0
    for call in (
        lambda: storage.open("a/x.wav"),
        lambda: storage.fetch("a/x.wav", tmp_path / "x"),
        lambda: storage.copy("a/x.wav", "b.wav", "audio/wav", "job-1", False),
    ):
        with pytest.raises(NotFound) as caught:
            call()
        assert caught.value.code == "object_not_found"
    assert not (tmp_path / "x").exists() and names(storage) == []


def test_a_prefix_is_removed_with_what_killed_writers_left(storage: FileStorage):
    for key in ("t/a/1/x.wav", "t/a/1/2/y.wav", "t/a/10/z.wav"):
        storage.put(key, b"one", "audio/wav", "job-1")
    (storage.root / "t/a/1/.dead.partial").write_bytes(b"half")
    assert storage.delete_prefix("t/a/1/") == 2
    assert names(storage) == ["t/a/10/z.wav"] and not (storage.root / "t/a/1").exists()


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", ".x", "a/.x.partial", "a\0b"]
)
def test_a_key_that_leads_elsewhere_is_refused(storage: FileStorage, key: str):
    for call in (storage.stat, storage.open, storage.delete):
        with pytest.raises(InvalidRequest) as caught:
            call(key)
        assert caught.value.code == "storage_key_invalid"
    with pytest.raises(InvalidRequest):
        storage.put(key, b"one", "audio/wav", "job-1")


def test_a_symbolic_link_out_of_the_folder_is_not_followed(storage: FileStorage, tmp_path: Path):
    (tmp_path / "outside").mkdir()
    (storage.root / "door").symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidRequest):
        storage.put("door/x.wav", b"one", "audio/wav", "job-1")
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("url", ["file://folder/x", "file://", "file:folder", "gs://", "gs:///x"])
def test_a_url_that_names_no_place_is_refused(tmp_path: Path, url: str):
    with pytest.raises(ValueError, match="MOKSORI_STORAGE_URL"):
        open_storage(Settings(data_dir=str(tmp_path), storage_url=url))


def test_a_data_folder_may_have_any_name(tmp_path: Path):
    settings = Settings(data_dir=str(tmp_path / "100%20 #1 한?"))
    open_storage(settings).put("a.wav", b"one", "audio/wav", "job-1")
    assert (settings.data / "artifacts" / "a.wav").read_bytes() == b"one"


def test_settings_open_the_folder_they_name(tmp_path: Path):
    settings = Settings(data_dir=str(tmp_path / "data"), storage_url=f"file://{tmp_path}/한 글")
    storage = open_storage(settings)
    storage.put("a.wav", b"one", "audio/wav", "job-1")
    assert (tmp_path / "한 글" / "a.wav").read_bytes() == b"one"
    assert 0 <= storage.probe() < 5
    url = storage.url("a.wav", "안녕.wav", "audio/wav", 60)
    assert url.startswith("http://127.0.0.1:8000/files/")
    assert (tmp_path / "data" / "secret").exists()
