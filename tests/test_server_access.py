"""Who is let in: every route says whom it is for, and a request without a good key gets no further."""

import logging

import pytest

from server.contract import Told
from server.shapes import ErrorShape
from speech import access
from speech.access import SCOPES
from tests.key_fixtures import bearer, new_key
from tests.server_fixtures import serve

OPEN = {
    "/", "/health", "/ready", "/docs", "/docs/<name>", "/openapi.json",
    "/files/<token>/<path:name>", "/tracks/<token>/<path:name>", "/events/<token>", "/uploads/<token>",
}  # fmt: skip


@pytest.fixture
def idle(new_database, tmp_path):
    """An app whose jobs stay queued."""
    made = serve(new_database("sqlite"), tmp_path)
    yield made
    made.store.db.close()


@pytest.fixture
def client(idle):
    return idle.app.test_client()


def told_of(app):
    """(rule, method, what its view tells) of all routes."""
    for rule in app.url_map.iter_rules():
        told = getattr(app.view_functions[rule.endpoint], "told", Told())
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield rule.rule, method, told


def path_of(rule):
    return rule.replace("<path:name>", "name").replace("<", "").replace(">", "")


def code(answer):
    ErrorShape.model_validate(answer.json)
    return answer.status_code, answer.json["error"]["code"]


def test_every_route_says_whom_it_is_for(idle):
    for rule, _, told in told_of(idle.app):
        assert told.open == (rule in OPEN), rule
        assert told.open != bool(told.scopes), rule
        assert set(told.scopes) <= set(SCOPES), rule


def test_a_route_that_says_nothing_is_shut(idle, client):
    idle.app.add_url_rule("/forgotten", view_func=lambda: "secret")
    _, key = new_key(idle)
    for headers in ({}, key):
        answer = client.get("/forgotten", headers=headers)
        assert code(answer) == (500, "internal")


def test_without_any_key_all_is_open_and_a_header_is_ignored(client):
    for headers in ({}, bearer("sk-anything"), bearer("mks_00000000_x"), {"Authorization": "x"}):
        assert client.get("/v1/jobs", headers=headers).status_code == 200


def test_once_a_key_was_made_every_route_but_the_open_ones_asks_for_it(idle, client):
    key, _ = new_key(idle)
    access.revoke(idle.store.db, key.id)
    for rule, method, told in told_of(idle.app):
        answer = client.open(path_of(rule), method=method, json={} if method == "POST" else None)
        if told.open:
            assert answer.status_code != 401, rule
        else:
            assert code(answer) == (401, "key_missing"), (method, rule)
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_route_that_is_not_there_is_a_404_to_anybody(idle, client):
    new_key(idle)
    assert code(client.get("/v1/nothing")) == (404, "route_not_found")
    assert code(client.put("/v1/jobs")) == (405, "method_not_allowed")


def test_keys_can_be_asked_for_from_the_start(new_database, tmp_path):
    made = serve(new_database("sqlite"), tmp_path, require_keys=True)
    client = made.app.test_client()
    assert code(client.get("/v1/jobs")) == (401, "key_missing")
    assert client.get("/health").status_code == 200
    made.store.db.close()


def test_where_keys_are_asked_for_a_request_without_one_costs_the_store_nothing(
    new_database, tmp_path, monkeypatch
):
    made = serve(new_database("sqlite"), tmp_path, require_keys=True)
    made.store.db.close()
    monkeypatch.setattr(made.store.db, "engine", serve_nothing(made))
    client = made.app.test_client()
    assert code(client.get("/v1/jobs")) == (401, "key_missing")
    unknown = bearer("mks_00000000_" + "A" * 43)
    assert code(client.get("/v1/jobs", headers=unknown)) == (503, "store_unavailable")


def test_on_an_address_that_others_reach_keys_are_asked_for_whatever_the_store_says(
    new_database, tmp_path
):
    made = serve(new_database("sqlite"), tmp_path, host="0.0.0.0")
    assert code(made.app.test_client().get("/v1/jobs")) == (401, "key_missing")
    made.store.db.close()


@pytest.mark.parametrize(
    "sent",
    ["Bearer", "Bearer ", "Basic bWtzXw==", "{text}", "Token {text}", "", "Bearer\t{text}"],
)
def test_a_header_that_holds_no_bearer_is_none(idle, client, sent):
    _, key = new_key(idle)
    text = key["Authorization"].removeprefix("Bearer ")
    answer = client.get("/v1/jobs", headers={"Authorization": sent.format(text=text)})
    assert code(answer) == (401, "key_missing")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(idle, client, scheme):
    _, key = new_key(idle)
    text = key["Authorization"].removeprefix("Bearer ")
    answer = client.get("/v1/jobs", headers={"Authorization": f"{scheme} {text}"})
    assert answer.status_code == 200


def test_each_key_that_is_not_good_says_why(idle, client):
    revoked, was_good = new_key(idle)
    access.revoke(idle.store.db, revoked.id)
    _, over = new_key(idle, lasts=1e-9)
    unknown = bearer("mks_00000000_" + "A" * 43)
    for headers, why in ((was_good, "revoked"), (over, "expired"), (unknown, "unknown")):
        answer = client.get("/v1/jobs", headers=headers)
        assert code(answer) == (401, f"key_{why}")
    assert code(client.get("/v1/jobs", headers=bearer("sk-openai")))[1] == "key_unknown"
    korean = client.get("/v1/jobs", headers={**unknown, "Accept-Language": "ko"})
    assert "알 수 없는 API 키" in korean.json["error"]["message"]


def test_a_revoked_key_is_out_with_the_next_request(idle, client):
    key, headers = new_key(idle)
    assert client.get("/v1/jobs", headers=headers).status_code == 200
    access.revoke(idle.store.db, key.id)
    assert code(client.get("/v1/jobs", headers=headers)) == (401, "key_revoked")


@pytest.mark.parametrize("place", ["?key={text}", "?{text}", "?a=1&limit={text}", "?x=mkt_abc"])
@pytest.mark.parametrize("path", ["/v1/jobs", "/health", "/", "/v1/nothing"])
def test_a_key_in_a_url_is_refused_and_kept_out_of_logs(idle, client, caplog, path, place):
    _, headers = new_key(idle)
    text = headers["Authorization"].removeprefix("Bearer ")
    with caplog.at_level(logging.DEBUG):
        answer = client.get(path + place.format(text=text), headers=headers)
    assert code(answer) == (400, "key_in_query")
    assert text not in caplog.text and text not in answer.text


def test_a_browsers_question_before_a_request_needs_no_key(new_database, tmp_path):
    site = "https://app.example.com"
    made = serve(new_database("sqlite"), tmp_path, cors_origins=site)
    new_key(made)
    client, origin = made.app.test_client(), {"Origin": site}
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = client.options("/v1/jobs", headers={**origin, **asked})
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
    refused = client.get("/v1/jobs", headers=origin)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, site)
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(
        refused.headers["Access-Control-Expose-Headers"].split(", ")
    )
    made.store.db.close()


def test_a_store_that_is_away_lets_nobody_in(idle, client, monkeypatch):
    _, headers = new_key(idle)
    idle.store.db.close()
    monkeypatch.setattr(idle.store.db, "engine", serve_nothing(idle))
    for sent in ({}, headers):
        assert code(client.get("/v1/jobs", headers=sent)) == (503, "store_unavailable")


def serve_nothing(served):
    """An engine whose file cannot be opened."""
    from sqlalchemy import create_engine

    return create_engine(f"sqlite:////{served.settings.data_dir}/none/none.db")


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_is_let_into_the_routes_of_its_scope_and_no_others(idle, client, scope):
    _, headers = new_key(idle, scope)
    for rule, method, told in told_of(idle.app):
        if told.open:
            continue
        body = {} if method == "POST" else None
        answer = client.open(path_of(rule), method=method, json=body, headers=headers)
        refused = answer.status_code == 403 and answer.json["error"]["code"] == "scope_missing"
        assert refused == (scope not in told.scopes), (method, rule)


def test_the_kind_of_a_job_decides_which_scope_it_needs(idle, client):
    _, speaker = new_key(idle, "speak")
    _, hearer = new_key(idle, "transcribe")
    speech = {"kind": "speech", "input": "안녕", "voice": 1}
    recording = {"kind": "transcription", "url": "https://example.com/a.mp3"}
    mixed = {"kind": "batch", "items": [speech, recording]}
    assert client.post("/v1/jobs", json=speech, headers=speaker).status_code == 202
    assert client.post("/v1/jobs", json=recording, headers=hearer).status_code == 202
    for body, headers in (
        (speech, hearer),
        (recording, speaker),
        (mixed, hearer),
        (mixed, speaker),
    ):
        answer = client.post("/v1/jobs", json=body, headers=headers)
        assert code(answer) == (403, "scope_missing")
    _, both = new_key(idle, "speak", "transcribe")
    batch = client.post("/v1/jobs", json=mixed, headers=both)
    assert batch.status_code == 202
    for headers in (speaker, hearer):
        answer = client.delete(f"/v1/jobs/{batch.json['id']}", headers=headers)
        assert code(answer) == (403, "scope_missing")
    assert client.delete(f"/v1/jobs/{batch.json['id']}", headers=both).status_code == 200
    again = client.post(f"/v1/jobs/{batch.json['id']}/retry", headers=speaker)
    assert code(again) == (403, "scope_missing")
    assert client.post(f"/v1/jobs/{batch.json['id']}/retry", headers=both).status_code == 202


def test_who_may_speak_and_not_read_waits_for_the_sound_and_sees_no_job(served):
    client = served.app.test_client()
    _, headers = new_key(served, "speak")
    asked = {"input": "안녕", "voice": 1}
    answer = client.post("/v1/audio/speech", json=asked, headers=headers)
    assert (answer.status_code, answer.data) == (200, "mp3:1:1.0:안녕".encode())
    job = f"/v1/jobs/{answer.headers['X-Moksori-Job']}"
    for path in (job, f"{job}/events", "/v1/jobs"):
        assert code(client.get(path, headers=headers)) == (403, "scope_missing")


def test_a_key_speaks_with_its_members_voices_only(served):
    client = served.app.test_client()
    _, headers = new_key(served, "speak", members=(2, 3))
    _, every = new_key(served, "speak", "read")
    asked = {"input": "안녕", "kind": "speech"}
    text = {
        "uuid": "123e4567-e89b-42d3-a456-426614174000", "text": "안녕", "created_at": "2024-02-29",
    }  # fmt: skip

    def sent(member, headers):
        speech = {"input": "안녕", "voice": member}
        job = speech | {"kind": "speech"}
        batch = {"kind": "batch", "items": [job]}
        yield client.post("/v1/audio/speech", json=speech, headers=headers)
        yield client.post("/v1/jobs", json=job, headers=headers)
        yield client.post("/v1/jobs", json=batch, headers=headers)
        yield client.post("/api/texts", json=text | {"member_id": member}, headers=headers)

    for answer in sent(1, headers):
        assert code(answer) == (403, "member_not_allowed")
    assert [answer.status_code for answer in sent(2, headers)] == [200, 202, 202, 200]
    voices = client.get("/v1/audio/voices", headers=headers).json["data"]
    assert [voice["member"] for voice in voices] == [2, 3]
    theirs = client.post("/v1/jobs", json=asked | {"voice": 5}, headers=every).json["id"]
    for answer in (
        client.post(f"/v1/jobs/{theirs}/retry", headers=headers),
        client.delete(f"/v1/jobs/{theirs}", headers=headers),
    ):
        assert code(answer) == (403, "member_not_allowed")


def test_use_of_a_key_is_noted(idle, client):
    key, headers = new_key(idle)
    client.get("/v1/models", headers=headers)
    (seen,) = access.listed(idle.store.db)
    assert seen.last_used is not None and seen.last_used >= key.created
