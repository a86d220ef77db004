"""The purge: what goes when, what stays, and what happens when storage or another process is in the way."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from speech import counting, locks
from speech.database import Database
from speech.errors import Gone, NotFound, StorageUnavailable
from speech.jobs import Job, NewJob
from speech.keys import Once
from speech.purge import LOOK_AGAIN, OWNER, Purge, Taken
from speech.purger import Purger
from speech.retention import DAY, Keep, expires_at
from speech.schema import idempotency, pieces, tombstones, trash
from speech.settings import Settings
from speech.store import JobStore
from tests.aged import age, age_files, ids_in, stored
from tests.query_plans import plans
from tests.services import until
from tests.some_jobs import check_invariants
from tests.stub_runners import HOLDER, Bench, done
from worker.attempt import Split

KEEP = {"keep_inputs_days": 7, "keep_artifacts_days": 30, "keep_jobs_days": 90}


@pytest.fixture
def bench(store: JobStore, tmp_path: Path) -> Bench:
    return Bench(store, tmp_path, **KEEP)


def purge(bench: Bench, **given: Any) -> dict[str, int]:
    return dict(Purge(bench.store, bench.storage, bench.settings, "test", **given).run())


def ended(bench: Bench, **fields: Any) -> Job:
    job = bench.add(**fields)
    assert bench.run(done)
    return bench.get(job)


def with_input(bench: Bench, name: str = "upload", **fields: Any) -> Job:
    key = f"t/default/inputs/{name}"
    bench.storage.put(key, b"sound", "application/octet-stream", name)
    return bench.add(input={"key": key, "name": "a.wav", "bytes": 5}, **fields)


def objects(bench: Bench) -> list[str]:
    return [key for key in stored(bench.storage.root) if key != OWNER]


def test_what_is_young_stays(bench: Bench) -> None:
    with_input(bench)
    bench.run(done)
    ended(bench)
    before = objects(bench)
    assert purge(bench) == {}
    assert objects(bench) == before and len(before) == 3


def test_an_input_goes_after_a_week_and_a_retry_says_so(bench: Bench) -> None:
    job = with_input(bench)
    bench.run(done)
    age(bench.store, 8)
    assert purge(bench) == {"inputs": 1, "objects": 1}
    now = bench.get(job)
    assert now.input == {"name": "a.wav", "bytes": 5, "expired": True}
    assert [one.name for one in now.artifacts] == ["speech.wav"]
    with pytest.raises(Gone) as gone:
        bench.store.retry(job.id, "default")
    assert gone.value.code == "input_expired"


def test_an_input_stays_as_long_as_a_job_that_is_young_or_live_names_it(bench: Bench) -> None:
    job = with_input(bench)
    bench.run(done)
    age(bench.store, 8)
    again = bench.store.retry(job.id, "default")
    purge(bench)
    assert "t/default/inputs/upload" in objects(bench)
    bench.run(done)
    purge(bench)
    assert "t/default/inputs/upload" in objects(bench)
    age(bench.store, 8, again)
    assert purge(bench)["inputs"] == 1
    assert "t/default/inputs/upload" not in objects(bench)


def test_an_input_that_is_the_callers_own_object_is_never_removed(bench: Bench) -> None:
    bench.storage.put("recordings/a.wav", b"sound", "audio/wav", "caller")
    job = bench.add(input={"key": "recordings/a.wav"})
    bench.run(done)
    age(bench.store, 100)
    purge(bench)
    assert objects(bench) == ["recordings/a.wav"]
    assert job.id not in ids_in(bench.store)


def test_files_go_after_a_month_and_the_job_says_so(bench: Bench) -> None:
    job = ended(bench)
    key = job.artifacts[0].key
    age(bench.store, 31)
    assert purge(bench) == {"artifacts": 1, "objects": 1}
    now = bench.get(job)
    assert (now.state, now.result, now.artifacts) == ("succeeded", {"text": "bytes"}, ())
    assert now.warnings == [{"code": "files_expired", "days": 30}]
    assert objects(bench) == []
    assert bench.store.file_is_gone(key) and not bench.store.file_is_gone("t/x/jobs/y/1/z")


def test_a_job_goes_after_ninety_days_with_all_that_was_its_own(bench: Bench) -> None:
    new = NewJob("batch", "speech", {})
    item = NewJob("speech", "speech", {"input": "x"})
    batch, _ = bench.store.create(new, [item, item])
    while bench.run(_one_piece):
        pass
    assert bench.get(batch).state == "succeeded"
    age(bench.store, 91)
    gone = purge(bench)
    assert (gone["rows"], gone["objects"]) == (3, 3)
    assert objects(bench) == [] and ids_in(bench.store) == set()
    with bench.store.db.read() as connection:
        assert connection.execute(select(pieces)).all() == []
        assert len(connection.execute(select(tombstones)).all()) == 3


def _one_piece(attempt: Any) -> Any:
    attempt.piece({"text": "안녕"})
    return done(attempt)


def test_an_id_that_is_gone_is_told_to_its_own_tenant_only(bench: Bench) -> None:
    job = ended(bench)
    age(bench.store, 91)
    purge(bench)
    with pytest.raises(Gone) as gone:
        bench.get(job)
    assert gone.value.code == "gone"
    with pytest.raises(NotFound) as unknown:
        bench.store.get(job.id, "somebody")
    assert unknown.value.code == "job_not_found" and not isinstance(unknown.value, Gone)


def test_tombstones_go_too(bench: Bench) -> None:
    job = ended(bench)
    age(bench.store, 91)
    purge(bench)
    with bench.store.db.write() as tx:
        tx.connection.execute(tombstones.update().values(gone=tx.now - 366 * DAY))
    assert purge(bench) == {"tombstones": 1}
    with pytest.raises(NotFound) as unknown:
        bench.get(job)
    assert unknown.value.code == "job_not_found"


def test_a_job_stays_as_long_as_its_wav_and_goes_with_it(bench: Bench) -> None:
    key = "wav_files/1/a_2024-01-01_voice.wav"
    job = ended(bench, outputs=(key,), promised=("speech.wav",))
    age(bench.store, 91)
    purge(bench)
    assert objects(bench) == [key]
    assert bench.get(job).artifacts == ()
    assert purge(bench) == {}
    bench.storage.delete(key)
    assert purge(bench) == {}  # not looked for again before a week
    age(bench.store, LOOK_AGAIN / DAY + 1)
    assert purge(bench)["rows"] == 1
    with pytest.raises(Gone):
        bench.get(job)


def test_a_job_that_failed_before_its_wav_was_there_is_not_kept_for_it(bench: Bench) -> None:
    key = "wav_files/1/a_2024-01-01_voice.wav"
    bench.storage.put(key, b"somebody else's", "audio/wav", "another")
    job = bench.add(outputs=(key,), promised=("speech.wav",))
    bench.run(done)
    assert bench.get(job).error == {"code": "output_exists"} | (bench.get(job).error or {})
    age(bench.store, 91)
    assert purge(bench)["rows"] == 1
    assert objects(bench) == [key]


def test_nothing_of_a_family_goes_while_one_of_it_is_open(bench: Bench) -> None:
    parent = bench.add()
    bench.run(lambda attempt: Split([NewJob("part", "speech", {"n": n}) for n in range(2)]))
    assert bench.run(done)
    age(bench.store, 1000)
    purge(bench)
    assert len(bench.store.children(parent.id)) == 2
    assert bench.run(done)
    assert bench.run(lambda attempt: _joined(attempt, bench))
    assert bench.get(parent).state == "succeeded"
    check_invariants(bench.store.db)


def test_a_job_that_ended_before_its_parts_waits_for_them(bench: Bench) -> None:
    parent = bench.add()
    bench.run(lambda attempt: Split([NewJob("part", "speech", {"n": n}) for n in range(2)]))
    part = bench.store.claim("speech", HOLDER)
    assert part and bench.store.cancel(parent.id, "default").state == "cancelled"
    age(bench.store, 1000)
    assert purge(bench) == {}
    bench.store.cancelled(part)
    age(bench.store, 1000)
    assert purge(bench)["rows"] == 3


def _joined(attempt: Any, bench: Bench) -> Any:
    keys = [artifact.key for part in attempt.parts() for artifact in part.artifacts]
    return done(attempt, "".join(b"".join(bench.storage.open(key)).decode() for key in keys))


def test_what_a_live_job_elsewhere_reads_stays(bench: Bench) -> None:
    made = ended(bench)
    reader = bench.add(input={"key": made.artifacts[0].key})
    age(bench.store, 1000)
    assert purge(bench) == {}
    bench.run(done)
    assert bench.get(reader).state == "succeeded"
    assert purge(bench)["rows"] == 1


def test_zero_keeps_for_ever(store: JobStore, tmp_path: Path) -> None:
    bench = Bench(store, tmp_path, **dict.fromkeys(KEEP, 0), keep_tombstones_days=0)
    with_input(bench)
    bench.run(done)
    age(store, 100_000)
    assert purge(bench) == {}


def test_a_look_changes_nothing_and_counts_the_same(bench: Bench) -> None:
    with_input(bench)
    bench.run(done)
    age(bench.store, 100)
    before = objects(bench)
    seen = purge(bench, dry=True)
    assert objects(bench) == before and len(ids_in(bench.store)) == 1
    went = purge(bench)
    del went["objects"]
    assert seen == went == {"inputs": 1, "artifacts": 1, "rows": 1}


def test_more_than_a_batch_goes_in_one_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.purge.BATCH", 3)
    for _ in range(8):
        ended(bench)
    age(bench.store, 100)
    assert purge(bench) == {"artifacts": 8, "rows": 8, "objects": 8}


def test_strays_go_once_they_are_a_day_old(bench: Bench) -> None:
    job, live = ended(bench), bench.add()
    for key in (
        "t/default/inputs/never-accepted", "t/default/jobs/no-such-job/1/speech.wav",
        f"t/default/jobs/{job.id}/7/speech.wav", f"t/other/jobs/{job.id}/1/speech.wav",
        f"t/default/jobs/{live.id}/1/speech.wav", "t/default/lexicon/x", "exports/a.wav",
    ):  # fmt: skip
        bench.storage.put(key, b"left over", "audio/wav", "nobody")
    age(bench.store, 2)
    assert purge(bench) == {}
    age_files(bench.storage.root, 2)
    assert purge(bench) == {"strays": 4, "objects": 4}
    assert objects(bench) == sorted(
        [job.artifacts[0].key, f"t/default/jobs/{live.id}/1/speech.wav",
         "t/default/lexicon/x", "exports/a.wav"]
    )  # fmt: skip


def test_strays_are_left_where_another_store_has_its_files(bench: Bench) -> None:
    bench.storage.put("t/default/jobs/the-others-job/1/speech.wav", b"x", "audio/wav", "other")
    bench.storage.put(OWNER, b"another store", "text/plain", "other")
    age_files(bench.storage.root, 2)
    assert purge(bench) == purge(bench, dry=True) == {}
    bench.storage.delete(OWNER)
    assert purge(bench) == {"strays": 1, "objects": 1}
    assert purge(bench) == {}


def test_an_object_that_cannot_be_removed_stops_nobody_and_is_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [ended(bench) for _ in range(3)]
    age(bench.store, 31)
    stuck, real = jobs[1].id, bench.storage.delete_prefix

    def locked(prefix: str) -> int:
        if stuck in prefix:
            raise PermissionError("the object is locked")
        return real(prefix)

    with monkeypatch.context() as lock:
        lock.setattr(bench.storage, "delete_prefix", locked)
        assert purge(bench) == {"artifacts": 3, "objects": 2, "failed": 1}
        assert purge(bench) == {"failed": 1}
    with bench.store.db.read() as connection:
        assert [row.tries for row in connection.execute(select(trash))] == [2]
        assert counting.read(connection)["purged_failed"] == 2
    assert purge(bench) == {"objects": 1}
    assert objects(bench) == []


def test_after_an_outage_of_storage_the_next_run_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        ended(bench)
    age(bench.store, 31)

    def away(*_: object) -> None:
        raise StorageUnavailable("storage_unavailable")

    with monkeypatch.context() as outage:
        for name in ("delete", "delete_prefix", "probe", "stat"):
            outage.setattr(bench.storage, name, away)
        with pytest.raises(StorageUnavailable):
            purge(bench)
    assert len(objects(bench)) == 3
    assert purge(bench) == {"objects": 3}
    assert objects(bench) == []


def test_a_purge_walks_no_table_of_jobs(new_database: Any, tmp_path: Path) -> None:
    store = JobStore(Database(new_database("sqlite")))
    bench = Bench(store, tmp_path, **KEEP)
    ended(bench)
    ended(bench, outputs=("wav_files/1/a.wav",), promised=("speech.wav",))
    with_input(bench)
    bench.run(done)
    age(store, 100)
    with plans(store.db) as first:
        purge(bench)
    age(store, 100)
    with plans(store.db) as later:
        purge(bench)
    found = first() + later()
    store.db.close()
    for index in ("jobs_old ", "jobs_old_input ", "jobs_expires ", "jobs_input ", "jobs_parent "):
        assert f"INDEX {index}" in found
    assert "SCAN jobs\n" not in found


def test_two_never_purge_at_once(bench: Bench) -> None:
    with bench.store.writing() as tx:
        locks.hold(tx, "purge", "another", 60)
    with pytest.raises(Taken):
        purge(bench)
    assert purge(bench, dry=True) == {}


def test_in_a_deployment_it_runs_once_an_hour(bench: Bench) -> None:
    purgers = [Purger(bench.store, bench.storage, bench.settings) for _ in range(3)]
    assert [one.look() for one in purgers] == [True, False, False]
    with bench.store.db.write() as tx:
        tx.connection.execute(locks.locks.update().values(until=tx.now - 1))
    assert purgers[2].look()


def test_the_thread_purges_by_itself_and_ends(store: JobStore, tmp_path: Path) -> None:
    bench = Bench(store, tmp_path, purge_seconds=0.05, **KEEP)
    job = ended(bench)
    age(store, 91)
    purger = Purger(store, bench.storage, bench.settings).start()
    until(lambda: job.id not in ids_in(store), 10, "the job is gone")
    purger.stop()


def test_a_key_that_found_a_job_makes_a_new_one_once_it_is_gone(bench: Bench) -> None:
    once, new = Once("texts:1", "00", None), NewJob("speech", "speech", {})
    first, _ = bench.store.create(new, once=once)
    bench.run(done)
    assert bench.store.create(new, once=once) == (bench.get(first), False)
    age(bench.store, 91)
    purge(bench)
    with bench.store.db.read() as connection:
        assert connection.execute(select(idempotency)).all() == []
    second, made = bench.store.create(new, once=once)
    assert made and second.id != first.id


def test_a_job_tells_when_its_id_may_go(bench: Bench) -> None:
    keep = Keep.from_settings(bench.settings)
    job = ended(bench)
    assert job.finished and expires_at(job, keep) == job.finished + 90 * DAY
    assert expires_at(bench.add(), keep) is None
    assert expires_at(job, Keep.from_settings(Settings(keep_jobs_days=0))) is None
    bench.run(done)
    wav = ended(bench, outputs=("wav_files/1/b.wav",), promised=("speech.wav",))
    assert expires_at(wav, keep) is None
