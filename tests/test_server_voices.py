"""/v1/voices, and what a revoked voice means to every route."""

from server.speech_shapes import LedgerShape, RevokedShape
from speech import ledger
from tests.key_fixtures import new_key
from tests.test_server_texts import body as texts_body


def test_a_revoked_voice_is_refused_by_every_route_and_listed_no_more(served, client):
    done = client.post("/v1/voices/gaon/revoke")
    RevokedShape.model_validate(done.json)
    assert (done.status_code, done.json["member"]) == (200, 1)
    asked = {"input": "안녕", "voice": 1}
    for path, body in {
        "/v1/audio/speech": asked,
        "/v1/audio/speech/preview": asked,
        "/v1/jobs": asked | {"kind": "speech"},
        "/api/texts": texts_body(member_id=1),
    }.items():
        answer = client.post(path, json=body)
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "voice_revoked"), path
    batch = {
        "kind": "batch",
        "items": [asked | {"kind": "speech", "voice": 2}, asked | {"kind": "speech"}],
    }
    assert client.post("/v1/jobs", json=batch).json["error"]["param"] == "items.1.voice"
    assert not served.claimed
    assert [one["member"] for one in client.get("/v1/audio/voices").json["data"]] == [2, 3, 4, 5]
    assert client.post("/v1/audio/speech", json=asked | {"voice": 2}).status_code == 200


def test_the_ledger_is_shown(served, client):
    with served.store.writing() as tx:
        ledger.record(tx, served.app.extensions["moksori"].voices)
    client.post("/v1/voices/2/revoke")
    told = client.get("/v1/voices").json
    LedgerShape.model_validate(told)
    assert [one["member"] for one in told["data"]] == [1, 2, 3, 4, 5]
    assert [one["member"] for one in told["data"] if one["revoked_at"]] == [2]


def test_only_an_admin_of_the_default_tenant_takes_voices_back(served, client):
    _, speaker = new_key(served, "speak", "read")
    _, other = new_key(served, "admin", tenant="acme")
    _, some = new_key(served, "admin", members=(2,))
    for headers, code in (
        (speaker, "scope_missing"),
        (other, "operator_only"),
        (some, "member_not_allowed"),
    ):
        answer = client.post("/v1/voices/1/revoke", headers=headers)
        assert (answer.status_code, answer.json["error"]["code"]) == (403, code)
    assert client.get("/v1/voices", headers=other).status_code == 403
    assert client.post("/v1/voices/9/revoke", headers=new_key(served)[1]).status_code == 400


def test_artifacts_name_the_voices_version(served, client):
    job = client.post("/v1/audio/speech", json={"input": "안녕", "voice": 1}).headers[
        "X-Moksori-Job"
    ]
    (artifact,) = client.get(f"/v1/jobs/{job}").json["artifacts"]
    assert artifact["voice_version"] == "of-the-worker"
