"""What a key has used: exact however many count at once, by the minute and by the UTC day."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from speech import access, quotas
from speech.access import Limits, NewKey
from speech.database import Database
from speech.errors import LimitReached
from speech.jobs import NewJob
from speech.quotas import DAY, Account, Standing
from speech.store import JobStore
from tests.some_jobs import SOUND, batch, claimed, parts, recording, speech

NOON = 20_000 * DAY + DAY / 2 + 10.5  # ten and a half seconds into a minute


def account(db: Database, **limits: int) -> Account:
    key, _ = access.create(db, NewKey("for tests", ("speak",)))
    return Account(key.id, Limits(**({name: 0 for name in Limits.__annotations__} | limits)))


def take(db: Database, whose: Account, now: float = NOON) -> tuple[Standing, bool]:
    with db.write() as tx:
        tx.now = now
        return quotas.take_request(tx, whose)


def refused(store: JobStore, whose: Account, new: NewJob | None = None, count: int = 0) -> str:
    items = [recording() for _ in range(count)]
    with pytest.raises(LimitReached) as caught:
        store.create(new or speech(), items, account=whose)
    assert caught.value.fields["seconds"] > 0
    return caught.value.code


def audio_left(db: Database, whose: Account, later: float = 0.0) -> int:
    with db.read() as connection:
        (standing,) = quotas.standings(connection, whose, db.now(connection) + later)
    return standing.left


def test_requests_are_counted_down_and_the_minute_makes_room_again(db: Database) -> None:
    whose = account(db, requests_per_minute=2)
    assert take(db, whose) == (Standing("requests", 2, 1, 60, 50), True)
    assert take(db, whose, NOON + 49) == (Standing("requests", 2, 0, 60, 1), True)
    assert take(db, whose, NOON + 49) == (Standing("requests", 2, 0, 60, 1), False)
    assert take(db, whose, NOON + 50) == (Standing("requests", 2, 1, 60, 60), True)


def test_each_key_has_its_own_count(db: Database) -> None:
    one, other = account(db, requests_per_minute=1), account(db, requests_per_minute=1)
    assert [take(db, whose)[1] for whose in (one, other, one, other)] == [True, True, False, False]


def test_of_many_processes_at_once_exactly_the_limit_gets_through(db: Database) -> None:
    whose = account(db, requests_per_minute=10)
    others = [Database(db.url, durable=False) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(lambda n: take(others[n % 4], whose)[1], range(40)))
    for one in others:
        one.close()
    assert sum(passed) == 10


def test_of_many_jobs_at_once_exactly_the_limit_is_taken(db: Database, store: JobStore) -> None:
    whose = account(db, queued_jobs=7)

    def create(_n: int) -> bool:
        try:
            store.create(speech(), account=whose)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(30))) == 7
    assert len(store.page("default", limit=100)[0]) == 7


def test_a_job_that_ends_makes_room_and_a_running_one_does_not(store: JobStore) -> None:
    whose = account(store.db, queued_jobs=1)
    store.create(speech(), account=whose)
    job = claimed(store)
    assert refused(store, whose) == "too_many_jobs"
    store.commit(job, [SOUND], {})
    store.create(speech(), account=whose)
    other = account(store.db, queued_jobs=1)
    store.create(speech(), account=other)


def test_a_batch_counts_by_its_items_and_a_job_of_parts_once(store: JobStore) -> None:
    whose = account(store.db, queued_jobs=4)
    top, items = batch(3)
    store.create(top, items, account=whose)
    assert refused(store, whose, top, count=2) == "too_many_jobs"
    store.create(speech(), account=whose)
    assert refused(store, whose) == "too_many_jobs"
    store.split(claimed(store), parts(5))
    store.commit(claimed(store, "transcription"), [], {})
    store.create(speech(), account=whose)
    assert refused(store, whose) == "too_many_jobs"


def test_a_retry_needs_room_too_and_counts_for_who_asked(store: JobStore) -> None:
    first, second = account(store.db), account(store.db, queued_jobs=1)
    job, _ = store.create(speech(), account=first)
    store.cancel(job.id, "default")
    again = store.retry(job.id, "default", account=second)
    assert (job.api_key, again.api_key) == (first.key, second.key)
    with pytest.raises(LimitReached):
        store.retry(job.id, "default", account=second)


def test_audio_counts_when_it_is_made_or_heard_and_the_day_makes_room_again(
    store: JobStore,
) -> None:
    whose = account(store.db, audio_seconds_per_day=10)
    for new, lane in ((speech(), "speech"), (recording(), "transcription")):
        store.create(new, account=whose)
        store.commit(claimed(store, lane), [], {}, {"audio_seconds": 3.5})
    assert audio_left(store.db, whose) == 3
    store.create(speech(), account=whose)  # how long it will be nobody knows yet
    store.commit(claimed(store), [], {}, {"audio_seconds": 100.0})
    assert audio_left(store.db, whose) == 0
    assert refused(store, whose) == "audio_used_up"
    assert audio_left(store.db, whose, later=DAY) == 10


def test_parts_are_counted_once_with_the_whole(store: JobStore) -> None:
    whose = account(store.db, audio_seconds_per_day=100)
    store.create(speech(), account=whose)
    store.split(claimed(store), parts(2))
    for _ in range(2):
        store.commit(claimed(store), [], {}, {"audio_seconds": 5.0})
    store.commit(claimed(store), [], {}, {"audio_seconds": 10.0})
    assert audio_left(store.db, whose) == 90


def test_a_job_that_failed_or_was_cancelled_used_no_audio(store: JobStore) -> None:
    whose = account(store.db, audio_seconds_per_day=10)
    job, _ = store.create(speech(), account=whose)
    mine = claimed(store)
    store.cancel(job.id, "default")
    store.commit(mine, [], {}, {"audio_seconds": 5.0})
    assert audio_left(store.db, whose) == 10


def test_a_key_without_limits_has_no_standing_and_always_room(store: JobStore) -> None:
    whose = account(store.db)
    for _ in range(3):
        store.create(speech(), account=whose)
    with store.db.read() as connection:
        assert quotas.standings(connection, whose, store.db.now(connection)) == []
