"""A purge that never rests, beside real workers: what lives loses nothing, however short the times are."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from speech import locks, purge
from speech.errors import NotFound, SpeechError
from speech.jobs import NewJob
from speech.purge import Purge, Taken
from speech.retention import DAY
from tests.deployment_fixtures import MODES
from tests.deployments import Deployment
from tests.worker_processes import ROOT, until

pytestmark = pytest.mark.slow

SHORT = 0.05 / DAY  # days
# Rows a little longer, so that whoever looks all the time sees each of them in its last state.
LONGER = 1.0 / DAY
ROUNDS = 40


@pytest.fixture(params=MODES)
def deployment(request, make_deployment) -> Iterator[Deployment]:
    """A deployment of its own: what other tests have left in one is not this traffic's."""
    with make_deployment(request.param) as made:
        made.worker()
        yield made


def settings_of(deployment):
    return replace(
        deployment.settings, keep_inputs_days=10 * SHORT, keep_artifacts_days=SHORT,
        keep_jobs_days=LONGER, keep_tombstones_days=LONGER,
    )  # fmt: skip


@contextmanager
def purging(deployment) -> Iterator[list[Exception]]:
    """Purges without a pause; yields what went wrong."""
    wrong: list[Exception] = []
    stop = threading.Event()

    def run(name: str) -> None:
        while not stop.is_set():
            try:
                Purge(deployment.store, deployment.storage, settings_of(deployment), name).run()
            except Taken:
                stop.wait(0.01)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=run, args=(f"purge-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class Traffic:
    """Jobs of every shape, each with a promised file, so that its end can be seen when all else is gone."""

    def __init__(self, deployment, chance: random.Random) -> None:
        self.deployment, self.chance = deployment, chance
        self.promised: list[str] = []
        self.ids: list[str] = []
        self.failed: dict[str, Any] = {}

    def job(self, place: str = "wav_files/1") -> NewJob:
        """A job with an uploaded input that says what to do: at once, or by parts that are joined."""
        number = f"{self.deployment.mode}-{self.chance.getrandbits(64):x}"
        plan = {"sleep": self.chance.choice([0, 0.05]), "parts": self.chance.choice([0, 0, 3])}
        key = f"t/default/inputs/{number}"
        self.deployment.storage.put(key, json.dumps(plan).encode(), "text/plain", number)
        self.promised.append(f"{place}/{number}.wav")
        return NewJob(
            "speech", "speech", {"input": "안녕하세요"}, input={"key": key, "name": "x", "bytes": 40},
            outputs=(self.promised[-1],), promised=("speech.wav",),
        )  # fmt: skip

    def accept(self) -> None:
        """One job, or a batch of them."""
        children: list[NewJob] = []
        new = self.job()
        if self.chance.random() < 0.2:
            self.promised.pop()
            children = [self.job("exports") for _ in range(3)]
            new = NewJob("batch", "speech", {}, priority="batch")
        self.ids.append(self.deployment.store.create(new, children)[0].id)

    def retry(self) -> bool:
        """Once more, what is finished and not yet gone; whether that was accepted."""
        try:
            self.deployment.store.retry(self.chance.choice(self.ids[-6:]), "default")
        except SpeechError as refused:
            assert refused.code in {
                "gone", "job_not_found", "input_expired", "not_final", "nothing_to_retry"
            }  # fmt: skip
            return False
        return True

    def open(self) -> int:
        """How many jobs have not ended; those that failed are remembered."""
        page = self.deployment.store.page
        failed, _ = page("default", limit=100, states=["failed", "cancelled"])
        self.failed |= {job.id: job.error for job in failed}
        return len(page("default", limit=100, states=["queued", "running"])[0])


def test_a_purge_that_never_rests_takes_nothing_from_the_living(deployment, monkeypatch):
    monkeypatch.setattr(purge, "MARGIN", 5.0)
    monkeypatch.setattr(purge, "BATCH", 4)
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")  # shown when it fails
    traffic = Traffic(deployment, random.Random(seed))
    retried = 0
    with purging(deployment) as wrong:
        for turn in range(ROUNDS):
            traffic.accept()
            retried += sum(traffic.retry() for _ in range(3))
            if turn == ROUNDS // 2:
                deployment.worker().child().kill()
            until(lambda: traffic.open() < 6, 30, "the worker keeps up", 0.01)
        until(lambda: not traffic.open(), 60, lambda: f"all have ended; {deployment.tails()}", 0.05)
    assert wrong == []
    assert traffic.failed == {}
    assert retried > 0
    lost = [key for key in traffic.promised if deployment.storage.stat(key) is None]
    assert lost == []
    until(lambda: _all_is_gone(deployment), 20, "everything else is gone in the end", 0.2)


def _all_is_gone(deployment) -> bool:
    Purge(deployment.store, deployment.storage, settings_of(deployment), "last").run()
    left = [key for key, _ in deployment.storage.keys("t/") if key != purge.OWNER]
    rows, _ = deployment.store.page("default", limit=100)
    return left == [] and all(
        row.outputs and row.outputs[0].startswith("wav_files/") for row in rows
    )


def test_a_purge_that_is_killed_is_gone_on_with_by_the_next(deployment):
    given = {"MOKSORI_" + name: str(SHORT) for name in ("KEEP_ARTIFACTS_DAYS", "KEEP_JOBS_DAYS")}
    jobs = [deployment.add() for _ in range(30)]
    for job in jobs:
        deployment.wait(job)
    # Its row stays with its file, should it end while the others are purged.
    promised = {"outputs": (f"wav_files/1/{jobs[0].id}.wav",), "promised": ("speech.wav",)}
    live = deployment.add(sleep=4, steps=40, new=promised)
    time.sleep(0.1)  # longer than they are kept
    began = len(list(deployment.storage.keys("t/")))
    chance = random.Random()
    for _ in range(4):
        _purge_and_die(deployment, given, chance.random() * 0.05)
    until(lambda: _all_is_gone_but(deployment, live), 20, "the next one went on", 0.2)
    assert began >= 30
    assert deployment.wait(live).state == "succeeded"
    for job in jobs:
        with pytest.raises(NotFound):
            deployment.store.get(job.id, "default")


def _purge_and_die(deployment, given: dict[str, str], seconds: float) -> None:
    """A purge that is killed soon after it has begun, and whose lease runs out."""
    process = subprocess.Popen(
        [sys.executable, "-m", "moksori", "purge"], env=deployment.env | given, cwd=ROOT,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    until(lambda: _is_held(deployment) or process.poll() is not None, 20, "it purges", 0.001)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with deployment.store.writing() as tx:
        tx.connection.execute(locks.locks.delete().where(locks.locks.c.name == "purge"))


def _is_held(deployment) -> bool:
    with deployment.store.db.read() as connection:
        name = locks.locks.c.name == "purge"
        return connection.execute(locks.locks.select().where(name)).first() is not None


def _all_is_gone_but(deployment, live) -> bool:
    Purge(deployment.store, deployment.storage, settings_of(deployment), "last").run()
    left = [key for key, _ in deployment.storage.keys("t/") if key != purge.OWNER]
    return all(live.id in key for key in left)
