"""API keys: what is stored of them, and which of them are good."""

import hashlib
from typing import Any

import pytest
from sqlalchemy import select

from speech import access
from speech.access import MARK, Limits, NewKey
from speech.database import Database
from speech.errors import InvalidRequest, NotFound, Unauthorized
from speech.schema import api_keys
from speech.settings import Settings

WEB = NewKey("web", ("speak", "read"))


def found(db: Database, text: str, later: float = 0.0) -> access.ApiKey:
    with db.read() as connection:
        return access.find(connection, text, db.now(connection) + later)


def refusal(db: Database, text: str, later: float = 0.0) -> str:
    with pytest.raises(Unauthorized) as refused:
        found(db, text, later)
    return refused.value.code


def test_a_key_is_found_by_its_text_with_all_that_it_was_given(db: Database) -> None:
    limits = Limits(requests_per_minute=60, queued_jobs=0)
    new = NewKey(
        "앱", ("admin", "speak"), "acme", (2, 1), ("gs://ours/in", "gs://ours/a"), limits, 60.0
    )
    key, text = access.create(db, new)
    assert found(db, text) == key
    assert (key.name, key.tenant, key.scopes) == ("앱", "acme", ("speak", "admin"))
    assert (key.members, key.buckets) == ((1, 2), ("gs://ours/a", "gs://ours/in"))
    assert (key.limits, key.expires) == (limits, key.created + 60)


def test_a_key_has_256_random_bits_of_which_only_the_hash_is_stored(db: Database) -> None:
    _, text = access.create(db, WEB)
    prefix, secret = text.removeprefix(MARK)[:8], text.removeprefix(MARK)[9:]
    assert (len(text), len(secret)) == (56, 43)
    with db.read() as connection:
        row = connection.execute(select(api_keys)).one()
    assert (row.prefix, row.hash) == (prefix, hashlib.sha256(secret.encode()).hexdigest())
    assert secret not in str(row) and text not in str(row)


def test_any_other_text_is_unknown(db: Database) -> None:
    _, text = access.create(db, WEB)
    other = "A" if text[-1] != "A" else "B"
    wrong = [text[:-1] + other, text + "A", text[:-1], text.upper(), text[4:], "", "mks_", "키"]
    wrong += ["mks_00000000_" + text[13:], f" {text}", f"{text}\n", "mks_%_" + text[13:]]
    assert {refusal(db, one) for one in wrong} == {"key_unknown"}


def test_an_unknown_prefix_is_compared_as_a_wrong_secret_is(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = access.create(db, WEB)
    compared: list[tuple[int, int]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return False

    monkeypatch.setattr(access.hmac, "compare_digest", compare)
    for one in (text, "mks_00000000_" + text[13:], "nothing"):
        assert refusal(db, one) == "key_unknown"
    assert compared == [(64, 64)] * 3


def test_a_key_ends_when_it_says_or_when_it_is_revoked(db: Database) -> None:
    _, short = access.create(db, NewKey("short", ("read",), lasts=60.0))
    key, text = access.create(db, WEB)
    assert found(db, short, later=59).name == "short"
    assert refusal(db, short, later=61) == "key_expired"
    ended = access.revoke(db, key.id)
    assert refusal(db, text) == "key_revoked"
    assert access.revoke(db, f"{MARK}{key.prefix}") == ended  # the first time counts


def test_the_last_key_goes_and_keys_are_still_asked_for(db: Database) -> None:
    def asked() -> bool:
        with db.read() as connection:
            return access.exist(connection)

    assert (asked(), access.usable(db)) == (False, False)
    key, _ = access.create(db, WEB)
    assert (asked(), access.usable(db)) == (True, True)
    access.revoke(db, key.id)
    assert (asked(), access.usable(db)) == (True, False)


def test_a_key_that_has_expired_lets_nobody_in(db: Database) -> None:
    access.create(db, NewKey("over", ("read",), lasts=1e-9))
    assert not access.usable(db)


def test_a_tenant_sees_and_ends_its_own_keys_only(db: Database) -> None:
    mine, _ = access.create(db, WEB)
    theirs, text = access.create(db, NewKey("theirs", ("read",), "acme"))
    assert access.listed(db, "default") == [mine]
    assert access.listed(db) == [theirs, mine]
    for name in (theirs.id, theirs.prefix, "none", "", "x" * 5000, "\0", "한"):
        with pytest.raises(NotFound) as refused:
            access.revoke(db, name, "default")
        assert refused.value.code == "key_not_found"
    assert found(db, text) == theirs


def test_use_is_noted_at_most_once_a_minute(db: Database) -> None:
    key, text = access.create(db, WEB)
    assert key.last_used is None
    access.note_use(db, key, key.created)
    used = found(db, text)
    assert used.last_used is not None and used.last_used >= key.created
    access.note_use(db, used, used.last_used + 59)
    assert found(db, text).last_used == used.last_used
    access.note_use(db, used, used.last_used + 60)
    again = found(db, text).last_used
    assert again is not None and again > used.last_used


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "bad_key_name"),
        ({"name": "a\nb"}, "bad_key_name"),
        ({"name": "x" * 101}, "bad_key_name"),
        ({"tenant": "../other"}, "bad_tenant"),
        ({"tenant": ""}, "bad_tenant"),
        ({"tenant": "Acme"}, "bad_tenant"),
        ({"tenant": "-a"}, "bad_tenant"),
        ({"tenant": "a" * 65}, "bad_tenant"),
        ({"tenant": "acme\n"}, "bad_tenant"),
        ({"scopes": ()}, "not_one_of"),
        ({"scopes": ("speak", "fly")}, "not_one_of"),
        ({"buckets": ("s3://b",)}, "bad_bucket"),
        ({"buckets": ("gs://ours/*",)}, "bad_bucket"),
        ({"buckets": ("gs://ours/../c",)}, "bad_bucket"),
        ({"buckets": ("gs://ours/",)}, "bad_bucket"),
        ({"buckets": ("gs://",)}, "bad_bucket"),
    ],
)
def test_what_no_key_can_be_is_refused(db: Database, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        access.create(db, NewKey(**({"name": "a", "scopes": ("read",)} | changes)))
    assert refused.value.code == code
    assert access.listed(db) == []


def test_a_limit_of_the_keys_own_comes_before_the_settings() -> None:
    settings = Settings(key_requests_per_minute=10, key_queued_jobs=20)
    own = Limits(requests_per_minute=0, audio_seconds_per_day=5)
    assert own.or_default(settings) == Limits(0, 20, 5)
