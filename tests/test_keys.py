"""Requests that are done once."""

import pytest
from sqlalchemy import select

from speech import keys
from speech.errors import Conflict, Internal
from speech.keys import Once
from speech.schema import idempotency
from speech.store import JobStore
from tests.some_jobs import SOUND, claimed, made, speech

KEY = Once("k", "a" * 64, 60.0)


def test_the_same_key_and_body_finds_the_first_job(store: JobStore) -> None:
    first, is_new = store.create(speech(), once=KEY)
    assert is_new
    assert store.create(speech(), once=KEY) == (first, False)


def test_the_same_key_with_another_body_is_a_conflict_with_the_asked_code(store: JobStore) -> None:
    store.create(speech(), once=KEY)
    for code in ("idempotency_mismatch", "too_late_to_cancel"):
        with pytest.raises(Conflict) as refused:
            store.create(speech(), once=Once("k", "b" * 64, 60.0, conflict=code))
        assert refused.value.code == code


def test_a_refused_repeat_makes_no_job_and_leaves_the_key(store: JobStore) -> None:
    first, _ = store.create(speech(), once=KEY)
    with pytest.raises(Conflict):
        store.create(speech(), once=Once("k", "b" * 64, 60.0))
    assert [job.id for job in store.page("default")[0]] == [first.id]
    assert store.create(speech(), once=KEY) == (first, False)


def test_tenants_do_not_share_keys(store: JobStore) -> None:
    one, _ = store.create(speech("a"), once=KEY)
    two, is_new = store.create(speech("b"), once=KEY)
    assert is_new and one.id != two.id


def test_a_key_is_forgotten_after_its_time(store: JobStore) -> None:
    first, _ = store.create(speech(), once=Once("k", "a" * 64, -1.0))
    second, is_new = store.create(speech(), once=Once("k", "b" * 64, -1.0))
    assert is_new and first.id != second.id
    store.create(speech(), once=Once("ever", "a" * 64, None))
    with store.db.write() as tx:
        keys.prune(tx)
        assert tx.connection.execute(select(idempotency.c.key)).scalars().all() == ["ever"]


@pytest.mark.parametrize("ending", ["failed", "cancelled"])
def test_a_job_that_did_not_succeed_is_made_again_where_that_is_asked(
    store: JobStore, ending: str
) -> None:
    once = Once("texts/1", "a" * 64, None, again_after_failure=True)
    first, _ = store.create(speech(), once=once)
    if ending == "failed":
        store.fail(claimed(store), Internal("internal"))
    else:
        store.cancel(first.id, "default")
    second, is_new = store.create(speech(), once=once)
    assert is_new and second.id != first.id
    store.commit(claimed(store), [SOUND], {})
    third, is_new = store.create(speech(), once=once)
    assert (third.id, is_new) == (second.id, False)
    with pytest.raises(Conflict):
        store.create(speech(), once=Once("texts/1", "b" * 64, None, again_after_failure=True))


def test_a_failed_job_stays_the_answer_where_nothing_else_is_asked(store: JobStore) -> None:
    first, _ = store.create(speech(), once=KEY)
    store.fail(claimed(store), Internal("internal"))
    assert store.create(speech(), once=KEY)[0].id == first.id


def test_the_key_of_an_erased_job_is_free_again(store: JobStore) -> None:
    first, _ = store.create(speech(), once=KEY)
    store.cancel(first.id, "default")
    store.erase(first.id, "default")
    _, is_new = store.create(speech(), once=Once("k", "b" * 64, 60.0))
    assert is_new


def test_a_retry_may_be_asked_once(store: JobStore) -> None:
    job = made(store, speech())
    store.cancel(job.id, "default")
    first = store.retry(job.id, "default", once=KEY)
    assert store.retry(job.id, "default", once=KEY).id == first.id
