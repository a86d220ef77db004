"""Bells on one machine."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from speech.datagrams import Bell, DatagramBells
from tests.services import until


@pytest.fixture
def ringer(tmp_path: Path) -> Iterator[DatagramBells]:
    ringer = DatagramBells(tmp_path / "bells")
    yield ringer
    ringer.close()


def test_a_ring_wakes_every_worker_and_no_api(ringer: DatagramBells) -> None:
    bells = [Bell(ringer.folder, kind) for kind in ("worker", "worker", "api")]
    for bell in bells:
        bell.socket.settimeout(0.5)
    ringer.ring("speech", "id")
    assert [bell.socket.recv(99) for bell in bells[:2]] == [b"speech id"] * 2
    with pytest.raises(TimeoutError):
        bells[2].socket.recv(99)
    for bell in bells:
        bell.close()


def test_drain_forgets_what_was_rung(ringer: DatagramBells) -> None:
    bell = Bell(ringer.folder, "worker")
    for _ in range(5):
        ringer.ring("speech", "id")
    bell.drain()
    bell.drain()
    ringer.ring("speech", "again")
    assert bell.socket.recv(99) == b"speech again"
    bell.close()


def test_events_reach_a_listener_quickly_until_it_stops(ringer: DatagramBells) -> None:
    heard: list[tuple[str, int]] = []
    stop = ringer.listen(lambda job_id, seq: heard.append((job_id, seq)))
    waits = []
    for number in range(1, 6):
        start = time.perf_counter()
        ringer.publish("a", number)
        until(lambda seen=number: len(heard) == seen, 2, "the event is heard")
        waits.append(time.perf_counter() - start)
    assert min(waits) < 0.2
    stop()
    ringer.publish("a", 6)
    assert heard == [("a", number) for number in range(1, 6)]


def test_a_listener_that_stops_ends_its_thread(ringer: DatagramBells) -> None:
    before = threading.active_count()
    for _ in range(3):
        ringer.listen(lambda job_id, seq: None)()
    until(lambda: threading.active_count() == before, 2, "the listeners' threads have ended")
    assert list(ringer.folder.iterdir()) == []


def test_a_listener_survives_foreign_datagrams(ringer: DatagramBells) -> None:
    heard: list[str] = []
    stop = ringer.listen(lambda job_id, seq: heard.append(job_id))
    for message in ("", "x", "a b", "\xff \xff", "a -1", "a " + "9" * 500):
        ringer._send("api", message)
    ringer.publish("good", 1)
    until(lambda: "good" in heard, 2, "the good event is heard")
    stop()


def test_nobody_listening_broken_files_and_a_missing_folder_are_no_error(
    ringer: DatagramBells,
) -> None:
    ringer.ring("speech", "id")
    ringer.folder.mkdir()
    for name, text in (("worker-1-0", "x"), ("worker-1-1", "99999999"), ("worker-1-2", "1")):
        (ringer.folder / name).write_text(text)
    bell = Bell(ringer.folder, "worker")
    ringer.ring("speech", "id")
    bell.socket.settimeout(2)
    assert bell.socket.recv(99) == b"speech id"
    bell.close()


def test_ports_of_processes_that_were_killed_are_forgotten(ringer: DatagramBells) -> None:
    ringer.folder.mkdir()
    gone = ringer.folder / "worker-4194399-0"  # above the largest process id
    gone.write_text("1")
    bell = Bell(ringer.folder, "worker")
    assert not gone.exists() and bell.path.exists()
    bell.close()
