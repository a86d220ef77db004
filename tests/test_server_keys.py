"""Keys and browser tokens over HTTP: they are managed within a tenant, and nobody gives what it lacks."""

import pytest

from server.key_shapes import KeyListShape, KeyShape, NewKeyShape, TokenShape
from speech import access
from speech.tokens import Tokens
from tests.key_fixtures import bearer, new_key
from tests.server_fixtures import serve


@pytest.fixture
def idle(new_database, tmp_path):
    """An app whose jobs stay queued."""
    made = serve(new_database("sqlite"), tmp_path)
    yield made
    made.store.db.close()


@pytest.fixture
def client(idle):
    return idle.app.test_client()


def code(answer):
    return answer.status_code, answer.json["error"]["code"]


def make(client, headers, **body):
    asked = {"name": "web", "scopes": ["read"]} | body
    return client.post("/v1/keys", json=asked, headers=headers)


def token(client, headers, **body):
    return client.post("/v1/tokens", json={"scopes": ["read"]} | body, headers=headers)


def test_a_key_is_made_shown_once_used_listed_and_revoked(idle, client):
    _, admin = new_key(idle, "admin", "read")
    answer = make(client, admin, name="웹", queued_jobs=5, expires_in=3600)
    assert answer.status_code == 201
    NewKeyShape.model_validate(answer.json)
    assert answer.headers["Cache-Control"] == "no-store"
    mine = bearer(answer.json["key"])
    assert client.get("/v1/jobs", headers=mine).status_code == 200
    listed = client.get("/v1/keys", headers=admin)
    KeyListShape.model_validate(listed.json)
    assert answer.json["key"] not in listed.text
    shown = listed.json["data"][1]
    assert (shown["name"], shown["prefix"]) == ("웹", answer.json["key"][:12])
    assert shown["limits"]["queued_jobs"] == 5 and shown["last_used_at"]
    ended = client.delete(f"/v1/keys/{shown['id']}", headers=admin)
    KeyShape.model_validate(ended.json)
    assert (ended.status_code, bool(ended.json["revoked_at"])) == (200, True)
    assert code(client.get("/v1/jobs", headers=mine)) == (401, "key_revoked")


def test_the_first_key_can_be_made_on_the_machine_itself_and_shuts_the_door(idle, client):
    answer = make(client, {}, scopes=["admin", "speak"])
    assert answer.status_code == 201
    assert code(make(client, {})) == (401, "key_missing")
    assert make(client, bearer(answer.json["key"]), scopes=["speak"]).status_code == 201


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"scopes": ["read", "speak"]}, "scopes"),
        ({"members": [1, 2]}, "members"),
        ({"buckets": ["gs://ours"]}, "buckets"),
        ({"buckets": ["gs://ours/innocent"]}, "buckets"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"requests_per_minute": 11}, "requests_per_minute"),
        ({"queued_jobs": 21}, "queued_jobs"),
    ],
)
def test_a_key_gives_nothing_that_it_lacks(new_database, tmp_path, given, param):
    made = serve(new_database("sqlite"), tmp_path, key_queued_jobs=20)
    rights = {"members": (1, 3), "buckets": ("gs://ours/in",), "requests_per_minute": 10}
    _, admin = new_key(made, "admin", "read", **rights)
    answer = make(made.app.test_client(), admin, **given)
    assert code(answer) == (403, "not_yours_to_give")
    assert answer.json["error"]["param"] == param
    made.store.db.close()


def test_what_is_left_out_is_as_the_asking_key_has_it(idle, client):
    rights = {"members": (1, 3), "buckets": ("gs://ours/in",), "requests_per_minute": 10}
    key, admin = new_key(idle, "admin", "read", **rights)
    made = make(client, admin).json
    assert (made["members"], made["buckets"]) == ([1, 3], ["gs://ours/in"])
    assert made["limits"] == key.shown()["limits"]
    less = {"members": [3], "buckets": ["gs://ours/in/today"], "requests_per_minute": 3}
    made = make(client, admin, audio_seconds_per_day=60, **less).json
    assert (made["members"], made["buckets"]) == ([3], ["gs://ours/in/today"])
    assert made["limits"]["requests_per_minute"] == 3
    assert make(client, admin, buckets=[]).json["buckets"] == []


def test_a_key_that_ends_makes_none_that_outlives_it(idle, client):
    key, admin = new_key(idle, "admin", "read", lasts=600)
    assert make(client, admin).json["expires_at"] == key.shown()["expires_at"]
    assert make(client, admin, expires_in=60).json["expires_at"] < key.shown()["expires_at"]
    longer = make(client, admin, expires_in=601)
    assert code(longer) == (403, "not_yours_to_give")
    assert longer.json["error"]["param"] == "expires_in"
    ends = [one.expires for one in access.listed(idle.store.db)]
    assert max(ends) == key.expires


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"scopes": []}, "too_few"),
        ({"scopes": ["fly"]}, "not_one_of"),
        ({"members": []}, "too_few"),
        ({"members": ["1"]}, "wrong_type"),
        ({"queued_jobs": -1}, "out_of_range"),
        ({"expires_in": 0}, "out_of_range"),
        ({"tenant": "acme"}, "unknown_field"),
        ({"name": ""}, "bad_key_name"),
        ({"buckets": ["ours"]}, "bad_bucket"),
    ],
)
def test_a_malformed_key_is_refused(idle, client, body, why):
    _, admin = new_key(idle)
    assert code(make(client, admin, **body)) == (400, why)


def test_a_tenants_admin_reaches_no_other_tenant(idle, client):
    _, admin = new_key(idle, tenant="acme")
    theirs, _ = new_key(idle, tenant="other")
    made = make(client, admin).json
    assert made["tenant"] == "acme"
    tenants = {one["tenant"] for one in client.get("/v1/keys", headers=admin).json["data"]}
    assert tenants == {"acme"}
    assert code(client.delete(f"/v1/keys/{theirs.id}", headers=admin)) == (404, "key_not_found")
    assert [key.revoked for key in access.listed(idle.store.db, "other")] == [None]


def test_a_token_does_some_of_what_its_key_does_for_a_while(idle, client):
    _, key = new_key(idle, "speak", "read", members=(1, 2), tenant="acme")
    answer = token(client, key, scopes=["speak"], members=[1], seconds=60)
    assert answer.status_code == 201
    TokenShape.model_validate(answer.json)
    assert (answer.json["scopes"], answer.json["members"]) == (["speak"], [1])
    mine = bearer(answer.json["token"])
    job = {"kind": "speech", "input": "안녕", "voice": 1}
    made = client.post("/v1/jobs", json=job, headers=mine)
    assert made.status_code == 202
    assert idle.store.get(made.json["id"], "acme").api_key == access.listed(idle.store.db)[0].id
    other = client.post("/v1/jobs", json=job | {"voice": 2}, headers=mine)
    assert code(other) == (403, "member_not_allowed")
    assert code(client.get("/v1/jobs", headers=mine)) == (403, "scope_missing")


def test_a_token_ends_by_itself_and_with_its_key(idle, client):
    key, headers = new_key(idle, "read")
    mine = bearer(token(client, headers).json["token"])
    assert client.get("/v1/jobs", headers=mine).status_code == 200
    secret = idle.settings.secret
    old, _ = Tokens(secret, now=lambda: 1e9).mint(key.id, ("read",), None, 60)
    assert code(client.get("/v1/jobs", headers=bearer(old))) == (401, "token_expired")
    forged, _ = Tokens("other").mint(key.id, ("read",), None, 60)
    assert code(client.get("/v1/jobs", headers=bearer(forged))) == (401, "token_invalid")
    access.revoke(idle.store.db, key.id)
    assert code(client.get("/v1/jobs", headers=mine)) == (401, "key_revoked")


def test_a_token_makes_no_token_and_carries_no_admin(idle, client):
    _, key = new_key(idle)
    mine = bearer(token(client, key).json["token"])
    assert code(token(client, mine)) == (403, "key_needed")
    assert code(token(client, key, scopes=["admin"])) == (400, "not_one_of")


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"scopes": ["speak", "transcribe"]}, 403, "not_yours_to_give"),
        ({"members": [1, 4]}, 403, "not_yours_to_give"),
        ({"seconds": 3601}, 400, "out_of_range"),
        ({"seconds": 0}, 400, "out_of_range"),
        ({"scopes": []}, 400, "too_few"),
    ],
)
def test_a_token_for_more_is_refused(idle, client, body, status, why):
    _, key = new_key(idle, "speak", "read", members=(1, 2))
    assert code(token(client, key, **body)) == (status, why)


def test_without_a_key_there_is_nothing_to_make_a_token_of(client):
    assert code(token(client, {})) == (403, "key_needed")
