"""The embedded dispatcher, in process, with children that a test plays through the pipes."""

import multiprocessing
import os
import time

import pytest

from speech.settings import Settings
from worker import dispatcher as module
from worker import scratch
from worker.child import BROKEN
from worker.dispatcher import Dispatcher
from worker.lease import ENDED_BY_US


class PlayedChild:
    """A child process that is only told of."""

    pid = 12345

    def __init__(self, exitcode=None):
        self.exitcode = exitcode
        self.killed = False

    def start(self):
        pass

    def join(self, timeout=None):
        pass

    def kill(self):
        self.killed = True


@pytest.fixture
def dispatcher(store, tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "BASE", tmp_path)
    monkeypatch.setattr(module, "LOOK_EVERY", 0.05)
    settings = Settings(data_dir=str(tmp_path), attempt_timeout=5.0, load_timeout=5.0)
    made = Dispatcher(settings, store, "host/boot")
    monkeypatch.setattr(module.SPAWN, "Process", lambda **_: PlayedChild())
    for slot in made.slots:
        made._start(slot)
        slot.pipe, slot.theirs = multiprocessing.Pipe()
    yield made
    made._end()


@pytest.fixture
def slot(dispatcher):
    """The speech slot, its child ready."""
    first = dispatcher.slots[0]
    first.theirs.send("ready")
    dispatcher._look_after(first)
    return first


def test_no_work_is_handed_out_before_the_models_are_loaded(dispatcher):
    dispatcher._hand_out()
    assert not dispatcher.slots[0].theirs.poll()


def test_one_word_is_sent_and_no_other_until_it_is_answered(dispatcher, slot):
    dispatcher._hand_out()
    slot.again = True
    dispatcher._hand_out()
    assert slot.theirs.recv() == "run" and not slot.theirs.poll()
    slot.theirs.send("ran")
    dispatcher._look_after(slot)
    dispatcher._hand_out()
    assert slot.theirs.recv() == "run"


def test_a_bell_that_rings_during_a_run_is_not_forgotten(dispatcher, slot):
    dispatcher._hand_out()
    slot.again = True  # as _listen does when it hears one
    slot.theirs.send("nothing")
    dispatcher._look_after(slot)
    dispatcher._hand_out()
    assert [slot.theirs.recv(), slot.theirs.recv()] == ["run", "run"]


def test_nothing_to_run_is_not_asked_for_again_at_once(dispatcher, slot):
    dispatcher._hand_out()
    slot.theirs.send("nothing")
    dispatcher._look_after(slot)
    dispatcher._hand_out()
    assert slot.theirs.recv() == "run" and not slot.theirs.poll()


def test_a_lane_is_looked_at_though_another_never_pauses(dispatcher, slot):
    other = dispatcher.slots[1]
    other.again = False
    deadline = time.monotonic() + 1
    while not other.again and time.monotonic() < deadline:
        slot.theirs.send("ran")
        dispatcher._listen()
        slot.pipe.recv()
    assert other.again


def test_a_child_that_runs_too_long_is_killed(dispatcher, slot):
    dispatcher._hand_out()
    slot.busy_since -= 6
    dispatcher._look_after(slot)
    assert slot.process.killed


def test_a_child_that_loads_too_long_is_killed(dispatcher):
    loading = dispatcher.slots[0]
    loading.born -= 6
    dispatcher._look_after(loading)
    assert loading.process.killed


@pytest.mark.parametrize(
    ("code", "reason"), [(-9, "crash"), (ENDED_BY_US, "ours")], ids=["killed", "ended by us"]
)
def test_what_a_dead_child_held_is_released_with_the_reason(
    dispatcher, slot, code, reason, monkeypatch
):
    told = []
    monkeypatch.setattr(dispatcher.store, "release", lambda *args: told.append(args) or [])
    slot.process.exitcode = code
    slot.theirs.close()
    assert dispatcher._look_after(slot) == 0
    assert told == [("host/boot/speech-12345", reason)]
    assert slot.process is None
    monkeypatch.undo()


def test_children_that_die_early_are_born_ever_later_and_one_that_works_resets_it(dispatcher, slot):
    pauses = []
    for _ in range(7):
        slot.process, slot.born = PlayedChild(-9), time.monotonic()
        slot.pipe, theirs = multiprocessing.Pipe()
        theirs.close()
        dispatcher._look_after(slot)
        pauses.append(slot.pause)
    assert pauses == [0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    dispatcher._start(slot)
    dispatcher._hear(slot, "ready")
    dispatcher._hear(slot, "ran")
    assert slot.pause == 0.2


def test_a_child_whose_models_are_broken_ends_the_worker(dispatcher, slot):
    slot.process.exitcode = BROKEN
    slot.theirs.close()
    assert dispatcher._look_after(slot) == BROKEN


def test_a_stopping_worker_hands_out_nothing_and_waits_for_its_attempts(dispatcher, slot):
    dispatcher._hand_out()
    dispatcher._stop(15, None)
    assert dispatcher.stopping == "preempted" and not dispatcher._done()
    slot.again = True
    slot.theirs.send("ran")
    dispatcher._look_after(slot)
    dispatcher._hand_out()
    assert dispatcher._done()
    assert slot.theirs.recv() == "run" and not slot.theirs.poll()


def test_its_folder_and_its_address_go_with_it(dispatcher, tmp_path):
    dispatcher._end()
    assert not list((tmp_path / "bells").glob(f"worker-{os.getpid()}-*"))
    assert not list(tmp_path.glob("moksori-worker-*"))
