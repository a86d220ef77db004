"""A file that arrives in pieces: where it stands, what it takes, and when it can be read."""

import os
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech import whole_files
from speech.errors import Gone, StorageUnavailable
from speech.filesystem import FileStorage
from speech.incoming import Incoming
from speech.links import Links

KEY = "t/default/inputs/one"
BYTES = bytes(range(256)) * 40


@pytest.fixture
def storage(tmp_path: Path) -> FileStorage:
    (tmp_path / "root").mkdir()
    return FileStorage(tmp_path / "root", Links("http://127.0.0.1:8000", "secret"))


def begun(storage: FileStorage, size: int = len(BYTES), key: str = KEY) -> None:
    assert storage.begin_upload(key, size, "audio/wav", "one", None) is None


def names(storage: FileStorage) -> list[str]:
    return sorted(str(p.relative_to(storage.root)) for p in storage.root.rglob("*") if p.is_file())


def add(storage: FileStorage, start: int, end: int) -> int:
    return storage.append(KEY, len(BYTES), start, [BYTES[start:end]])


def test_pieces_make_a_file_that_can_be_read_once_it_is_whole(storage: FileStorage):
    begun(storage)
    assert storage.received(KEY, len(BYTES), None) == 0
    assert add(storage, 0, 100) == 100
    assert storage.stat(KEY) is None
    assert add(storage, 100, len(BYTES)) == storage.received(KEY, len(BYTES), None) == len(BYTES)
    assert b"".join(storage.open(KEY)) == BYTES
    assert names(storage) == [KEY]


def test_what_is_there_already_is_skipped_and_a_gap_is_not_taken(storage: FileStorage):
    begun(storage)
    assert add(storage, 0, 100) == 100
    assert add(storage, 50, 150) == 150
    assert add(storage, 151, 200) == 150
    assert add(storage, 0, 10) == 150
    assert add(storage, 150, len(BYTES)) == len(BYTES)
    assert b"".join(storage.open(KEY)) == BYTES


def test_a_gap_ends_the_reading_of_what_follows(storage: FileStorage):
    begun(storage)
    read = []

    def pieces():
        for piece in (b"aa", b"bb"):
            read.append(piece)
            yield piece

    assert storage.append(KEY, len(BYTES), 5, pieces()) == 0
    assert read == [b"aa"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_pieces_in_any_order_make_the_same_file(tmp_path_factory, data):
    target = tmp_path_factory.mktemp("any") / "file"
    whole = os.urandom(data.draw(st.integers(1, 300)))
    incoming = Incoming(target, len(whole))
    incoming.begin()
    received = 0
    while received < len(whole):
        start = data.draw(st.integers(0, len(whole) - 1))
        end = data.draw(st.integers(start + 1, len(whole)))
        told = incoming.add(start, [whole[start:end]])
        assert told == (max(received, end) if start <= received else received)
        received = told
    assert target.read_bytes() == whole and not incoming.part.exists()


def test_writers_at_once_make_one_right_file(storage: FileStorage):
    begun(storage)
    ready = threading.Barrier(6)

    def write(seed: int) -> None:
        dice, at = random.Random(seed), 0
        ready.wait()
        while at < len(BYTES):
            at = add(storage, at, min(len(BYTES), at + dice.randrange(1, 400)))

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert b"".join(storage.open(KEY)) == BYTES and names(storage) == [KEY]


def test_a_file_that_was_whole_when_the_process_died_gets_its_name_at_the_next_look(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
):
    begun(storage)
    with monkeypatch.context() as killed:
        killed.setattr(Incoming, "_publish", lambda self: None)
        add(storage, 0, len(BYTES))
    assert storage.stat(KEY) is None
    assert storage.received(KEY, len(BYTES), None) == len(BYTES)
    assert b"".join(storage.open(KEY)) == BYTES and names(storage) == [KEY]


def test_a_process_that_died_after_the_name_was_given_leaves_nothing(storage: FileStorage):
    begun(storage)
    add(storage, 0, len(BYTES))
    part = Incoming(storage.root / KEY, len(BYTES)).part
    os.link(storage.root / KEY, part)
    assert storage.received(KEY, len(BYTES), None) == len(BYTES)
    assert names(storage) == [KEY]


def test_without_hard_links_the_file_gets_its_name_too(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
):
    def refused(*args: object) -> None:
        raise OSError(1, "Operation not permitted")

    begun(storage)
    monkeypatch.setattr(whole_files.os, "link", refused)
    assert add(storage, 0, len(BYTES)) == len(BYTES)
    assert b"".join(storage.open(KEY)) == BYTES and names(storage) == [KEY]


def test_one_that_was_given_up_or_never_begun_takes_nothing(storage: FileStorage):
    begun(storage)
    add(storage, 0, 100)
    storage.abandon_upload(KEY, None)
    storage.abandon_upload(KEY, None)
    for _ in range(2):
        with pytest.raises(Gone) as gone:
            add(storage, 100, 200)
        assert gone.value.code == "upload_gone"
    assert names(storage) == []


def test_one_that_is_given_up_while_a_writer_is_at_it_does_not_appear(storage: FileStorage):
    begun(storage)

    def pieces():
        yield BYTES[:100]
        storage.abandon_upload(KEY, None)
        yield BYTES[100:]

    with pytest.raises(Gone):
        storage.append(KEY, len(BYTES), 0, pieces())
    assert names(storage) == []


def test_deleting_the_object_removes_what_has_come_of_it(storage: FileStorage):
    for end in (100, len(BYTES)):
        begun(storage)
        add(storage, 0, end)
        storage.delete(KEY)
        assert names(storage) == []


def test_what_is_answered_for_has_reached_the_disk(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
):
    begun(storage)
    synced = []
    real = os.fsync
    monkeypatch.setattr(
        whole_files.os,
        "fsync",
        lambda file: (synced.append(os.stat(file.fileno()).st_size), real(file)),
    )
    assert add(storage, 0, 100) == 100
    assert synced == [100]


def test_a_disk_without_room_is_told_before_and_while_the_bytes_come(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(StorageUnavailable) as refused:
        begun(storage, 10**18)
    assert refused.value.code == "storage_full" and names(storage) == []

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    begun(storage)
    add(storage, 0, 100)
    with monkeypatch.context() as patched:
        patched.setattr(whole_files.os, "fsync", full)
        with pytest.raises(StorageUnavailable) as refused:
            add(storage, 100, 200)
    assert refused.value.code == "storage_full"
    assert add(storage, storage.received(KEY, len(BYTES), None), len(BYTES)) == len(BYTES)
    assert b"".join(storage.open(KEY)) == BYTES


def test_a_folder_that_went_away_is_an_outage(storage: FileStorage):
    begun(storage)
    storage.root.rename(storage.root.with_name("elsewhere"))
    for call in (
        lambda: begun(storage, key="t/default/inputs/two"),
        lambda: add(storage, 0, 100),
        lambda: storage.abandon_upload(KEY, None),
    ):
        with pytest.raises(StorageUnavailable) as away:
            call()
        assert away.value.code == "storage_unavailable"
    assert not storage.root.exists()
