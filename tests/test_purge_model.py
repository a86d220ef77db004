"""The purge against a plain statement of what is to stay, for any mixture of jobs and ages."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from speech.database import Database
from speech.jobs import Job
from speech.purge import OWNER, Purge
from speech.schema import tombstones
from speech.store import JobStore
from tests.aged import age, ids_in, stored
from tests.stub_runners import Bench, done

INPUTS, ARTIFACTS, ROWS = 7, 30, 90  # days
_serial = itertools.count()


@dataclass(frozen=True)
class Spec:
    """A job as it is to be: how many days ago it ended (None: it has not), how, and what it names."""

    days: float | None
    recording: int | None  # which of the shared inputs
    wav: bool
    succeeds: bool

    @property
    def stays(self) -> bool:
        """Whether its row is to stay."""
        return self.days is None or self.days < ROWS or (self.wav and self.succeeds)

    @property
    def has_files(self) -> bool:
        """Whether its own files are to be there."""
        return self.days is not None and self.succeeds and self.days < ARTIFACTS

    @property
    def has_wav(self) -> bool:
        """Whether the file that it promised is to be there."""
        return self.days is not None and self.succeeds and self.wav


SPECS = st.lists(
    st.builds(
        Spec,
        days=st.sampled_from([None, 0, 5, 8, 29, 31, 89, 91, 400]),
        recording=st.sampled_from([None, 0, 1]),
        wav=st.booleans(),
        succeeds=st.booleans(),
    ),
    min_size=1,
    max_size=7,
)


def made(bench: Bench, spec: Spec, number: int) -> Job:
    """The job of a spec; those that end are made one after the other, so each is the one that is claimed."""
    fields: dict[str, Any] = {}
    if spec.recording is not None:
        bench.storage.put(place(spec), b"sound", "application/octet-stream", "upload")
        fields["input"] = {"key": place(spec)}
    if spec.wav:
        fields |= {"outputs": (wav(number),), "promised": ("speech.wav",)}
    job = bench.add(**fields)
    if spec.days is not None:
        if spec.succeeds:
            assert bench.run(done)
        else:
            bench.store.cancel(job.id, "default")
        age(bench.store, spec.days, job)
    return bench.get(job)


def place(spec: Spec) -> str:
    return f"t/default/inputs/{spec.recording}"


def wav(number: int) -> str:
    return f"wav_files/1/{number}.wav"


def expected(jobs: list[tuple[Job, Spec]]) -> set[str]:
    """The keys that are to be in storage."""
    keys = {one.key for job, spec in jobs if spec.has_files for one in job.artifacts}
    keys |= {key for job, spec in jobs if spec.has_wav for key in job.outputs}
    return keys | {
        place(spec)
        for _, spec in jobs
        if spec.recording is not None and (spec.days is None or spec.days < INPUTS)
    }


@pytest.mark.slow
@given(specs=SPECS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_to_stay_stays_and_all_else_goes(
    new_database: Any, tmp_path: Path, specs: list[Spec]
) -> None:
    store = JobStore(Database(new_database("sqlite"), durable=False))
    bench = Bench(
        store, tmp_path / str(next(_serial)), keep_inputs_days=INPUTS,
        keep_artifacts_days=ARTIFACTS, keep_jobs_days=ROWS,
    )  # fmt: skip
    order = sorted(enumerate(specs), key=lambda one: one[1].days is None)  # the living last
    jobs = [(made(bench, spec, number), spec) for number, spec in order]

    for _ in range(2):  # and a second time there is nothing to do
        Purge(store, bench.storage, bench.settings, "test").run()
        left = {job.id for job, spec in jobs if spec.stays}
        assert ids_in(store) == left
        assert set(stored(bench.storage.root)) - {OWNER} == expected(jobs)
        with store.db.read() as connection:
            graves = set(connection.execute(select(tombstones.c.id)).scalars())
        assert graves == {job.id for job, _ in jobs} - left
    for job, spec in jobs:
        if spec.days is None:
            assert bench.get(job) == job
    while bench.run(done):
        pass
    living = [bench.get(job).state for job, spec in jobs if spec.days is None]
    assert set(living) <= {"succeeded"}
    store.db.close()
