"""`moksori keys`: make, list and revoke."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moksori.__main__ import main
from moksori.doctor import SECTIONS
from speech import access
from speech.database import Database
from speech.settings import Settings


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"MOKSORI_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def db(env: dict[str, str]) -> Iterator[Database]:
    assert run(env, "migrate").exit_code == 0
    made = Database(Settings.from_env(env).store_url)
    yield made
    made.close()


def run(env: dict[str, str], *words: str) -> Result:
    return CliRunner(env=env).invoke(main, list(words))


def keys(env: dict[str, str], *words: str) -> Result:
    return run(env, "keys", *words)


def test_a_key_is_printed_alone_and_once(env: dict[str, str], db: Database) -> None:
    made = keys(env, "create", "--name", "웹", "--scope", "speak", "--scope", "read")
    assert made.exit_code == 0
    text = made.stdout.strip()
    assert "not shown again" in made.stderr
    with db.read() as connection:
        key = access.find(connection, text, db.now(connection))
    assert (key.name, key.tenant, key.scopes) == ("웹", "default", ("speak", "read"))
    assert (key.members, key.buckets, key.expires) == (None, None, None)
    listed = keys(env, "list").output
    assert "웹" in listed and text[:12] in listed and text not in listed


def test_every_right_and_limit_can_be_given(env: dict[str, str], db: Database) -> None:
    words = (
        "create --name a --tenant acme --scope admin --member 2 --member 1 --bucket gs://ours/in "
        "--requests-per-minute 60 --queued-jobs 0 --audio-seconds-per-day 3600 --days 0.5 --json"
    )
    told = json.loads(keys(env, *words.split()).stdout)
    (key,) = access.listed(db, "acme")
    assert told == key.shown() | {"key": told["key"]}
    assert (key.members, key.buckets) == ((1, 2), ("gs://ours/in",))
    assert key.limits == access.Limits(60, 0, 3600)
    assert key.expires == pytest.approx(key.created + 43_200)


def test_keys_of_all_tenants_or_of_one_are_listed(env: dict[str, str], db: Database) -> None:
    assert "No keys" in keys(env, "list").output
    for tenant in ("acme", "other"):
        keys(env, "create", "--name", f"of-{tenant}", "--tenant", tenant, "--scope", "read")
    assert len(keys(env, "list").output.splitlines()) == 2
    one = keys(env, "list", "--tenant", "acme", "--json")
    assert [key["name"] for key in json.loads(one.stdout)] == ["of-acme"]


def test_a_key_is_revoked_by_its_id_or_by_the_prefix_that_is_shown(
    env: dict[str, str], db: Database
) -> None:
    first, _ = access.create(db, access.NewKey("first", ("read",)))
    second, _ = access.create(db, access.NewKey("second", ("read",)))
    assert "revoked" in keys(env, "revoke", f"mks_{first.prefix}").output
    assert json.loads(keys(env, "revoke", second.id, "--json").stdout)["revoked_at"]
    assert all(key.revoked for key in access.listed(db))


def test_the_doctor_says_whether_keys_are_asked_for(env: dict[str, str], db: Database) -> None:
    def services() -> list[str]:
        return [look.what for look in SECTIONS["Services"](Settings.from_env(env))]

    assert any("no API key was made" in told for told in services())
    key, _ = access.create(db, access.NewKey("web", ("read",)))
    assert "API keys are asked for" in services()
    access.revoke(db, key.id)
    assert any("no API key is good" in told for told in services())


def test_an_unknown_key_and_a_bad_one_are_told_in_a_sentence(
    env: dict[str, str], db: Database
) -> None:
    unknown = keys(env, "revoke", "mks_00000000")
    assert (unknown.exit_code, unknown.output) == (1, "Error: There is no key mks_00000000.\n")
    bad = keys(env, "create", "--name", "a", "--tenant", "../x", "--scope", "read")
    assert bad.exit_code == 1 and "a-z, 0-9 and hyphens" in bad.output
    assert keys(env, "create", "--name", "a", "--scope", "fly").exit_code == 2


@pytest.mark.parametrize(
    ("terminal", "start"),
    [
        ({"LC_ALL": "ko_KR.UTF-8"}, "mks_00000000 키가 없습니다."),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": "ko_KR.UTF-8"}, "mks_00000000 키가"),
        ({"LC_ALL": "C.UTF-8", "LANG": "ko_KR.UTF-8"}, "There is no key"),
    ],
)
def test_errors_are_told_in_the_language_of_the_terminal(
    env: dict[str, str], db: Database, terminal: dict[str, str], start: str
) -> None:
    ran = run({**env, **terminal}, "keys", "revoke", "mks_00000000")
    assert ran.output.startswith(f"Error: {start}")


def test_a_store_that_was_never_migrated_says_what_to_run(env: dict[str, str]) -> None:
    ran = keys(env, "list")
    assert ran.exit_code == 1 and "moksori migrate" in ran.output
