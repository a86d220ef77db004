"""Kill -9 of everything at random points, again and again: `python -m bench.soak [--rounds 20] [--seed N]`.

Each round gives a deployment with two workers some 30 jobs of many kinds and kills children, workers and an
accepting server at random moments; then it waits until all is final and checks the invariants.
"""

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from speech.jobs import Job, NewJob
from tests import services
from tests.deployments import Deployment
from tests.worker_processes import until

KINDS: list[tuple[int, dict[str, Any]]] = [
    (8, {"sleep": 0.05}),
    (4, {"sleep": 0.4, "steps": 8}),
    (3, {"parts": 3, "sleep": 0.05}),
    (2, {"die": 1}),
    (1, {"die": 9}),
    (1, {"refuse": True}),
]


@dataclass(frozen=True)
class Round:
    """What one round did and how long it took to be quiet again."""

    jobs: int
    kills: int
    succeeded: int
    failed: int
    seconds: float


def run_round(
    deployment: Deployment, chance: random.Random, jobs: int = 30, kills: int = 5
) -> Round:
    """One round. Raises AssertionError when an invariant is broken."""
    deployment.accepted.clear()
    began = time.monotonic()
    moments = sorted(chance.sample(range(jobs), kills))
    for n in range(jobs):
        _accept(deployment, chance)
        if n in moments:
            _kill_something(deployment, chance)
        time.sleep(chance.uniform(0, 0.1))
    _keep_two_workers(deployment)
    _heal(deployment)
    deployment.check(leftovers=False)
    ended = [deployment.store.get(job_id, "default") for job_id in deployment.accepted]
    for job in ended:
        assert job.state == "succeeded" or _deserved(deployment, job), job
    states = [job.state for job in ended]
    return Round(
        jobs, kills, states.count("succeeded"), states.count("failed"), time.monotonic() - began
    )


def _deserved(deployment: Deployment, job: Job) -> bool:
    """True when a job may have failed: it was refused, or was at work at three crashes."""
    assert job.error is not None
    if "refuse" in job.request["stub"]:
        return bool(job.error["code"] == "media_empty")
    crashes = max(deployment.counts(one)[0] for one in [job, *deployment.store.children(job.id)])
    return job.error["code"] == "worker_lost" and crashes == deployment.settings.max_crashes


def _accept(deployment: Deployment, chance: random.Random) -> None:
    plan = chance.choices([plan for _, plan in KINDS], [weight for weight, _ in KINDS])[0]
    if chance.random() < 0.1:
        inside = {"sleep": 0.02}
        items = [NewJob("speech", "speech", {"input": str(n), "stub": inside}) for n in range(4)]
        batch, _ = deployment.store.create(
            NewJob("batch", "speech", {"stub": {}}, priority="batch"), items
        )
        deployment.accepted.append(batch.id)
    else:
        name = f"exports/{chance.getrandbits(64):x}.wav"
        promised = {"outputs": (name,), "promised": ("speech.wav",)} if "die" in plan else {}
        deployment.add(new=promised, **plan)


def _kill_something(deployment: Deployment, chance: random.Random) -> None:
    what = chance.choice(["child", "child", "worker", "server", "everything"])
    workers = [worker for worker in deployment.started if worker.alive()]
    if what == "server":
        deployment.accept_and_die(sleep=0.05)
    elif what == "everything":
        for worker in workers:
            worker.kill()
    elif workers:
        worker = chance.choice(workers)
        if what == "worker":
            worker.kill()
        for child in worker.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    _keep_two_workers(deployment)


def _keep_two_workers(deployment: Deployment) -> None:
    alive = [worker for worker in deployment.started if worker.alive()]
    for _ in range(2 - len(alive)):
        deployment.start_worker()


def _heal(deployment: Deployment) -> None:
    """Wait until every job is final, starting workers that gave up anew, as a supervisor does."""

    def quiet() -> bool:
        _keep_two_workers(deployment)
        return all(deployment.store.get(one, "default").final for one in deployment.accepted)

    def what() -> str:
        jobs = [deployment.store.get(one, "default") for one in deployment.accepted]
        return f"{[job for job in jobs if not job.final]}; {deployment.tails()}"

    until(quiet, 120, what, 0.1)
    for job_id in deployment.accepted:
        children = lambda parent=job_id: deployment.store.children(parent)  # noqa: E731
        until(lambda found=children: all(one.final for one in found()), 20, what, 0.1)


@contextlib.contextmanager
def deployments(modes: list[str]) -> Iterator[Iterator[tuple[str, Deployment]]]:
    """The deployments of these modes, with services of their own."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moksori-soak-")))

        def each() -> Iterator[tuple[str, Deployment]]:
            for mode in modes:
                parts: dict[str, Any] = {}
                if mode == "rabbitmq":
                    parts["database_url"] = stack.enter_context(services.postgres())
                    parts["node"] = stack.enter_context(services.rabbitmq())
                made = Deployment(folder / mode, max_interruptions=60, **parts)
                yield mode, stack.enter_context(made)

        yield each()


def main() -> int:
    """Print the seed and a line a round; 1 when an invariant is broken."""
    parser = argparse.ArgumentParser(description="kill -9 of everything at random points")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--mode", choices=["embedded", "rabbitmq"], action="append")
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    print(
        f"{'mode':<10}{'round':>6}{'jobs':>6}{'kills':>7}{'succeeded':>11}{'failed':>8}{'seconds':>9}"
    )
    with deployments(asked.mode or ["embedded", "rabbitmq"]) as made:
        for mode, deployment in made:
            chance = random.Random(f"{asked.seed} {mode}")
            for n in range(asked.rounds):
                try:
                    done = run_round(deployment, chance)
                except AssertionError as broken:
                    print(f"{mode} round {n + 1}: {broken}", file=sys.stderr)
                    return 1
                print(
                    f"{mode:<10}{n + 1:>6}{done.jobs:>6}{done.kills:>7}{done.succeeded:>11}"
                    f"{done.failed:>8}{done.seconds:>9.1f}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
