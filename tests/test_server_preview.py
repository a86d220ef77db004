"""POST /v1/audio/speech/preview."""

import pytest

from server.speech_shapes import PreviewShape
from tests.server_fixtures import PREVIEWED


def preview(client, headers=None, **fields):
    body = {"input": "3개", "voice": "1"} | fields
    return client.post("/v1/audio/speech/preview", json=body, headers=headers or {})


def test_a_preview_is_answered_in_one_call(served, client):
    answer = preview(client, response_format="flac", speed=2)
    assert (answer.status_code, answer.json) == (200, PREVIEWED)
    PreviewShape.model_validate(answer.json)
    (job,) = served.claimed
    assert (job.kind, job.lane, job.priority) == ("preview", "speech", "interactive")
    assert job.request["speed"] == 2
    assert answer.headers["X-Moksori-Job"] == job.id


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"voice": "nobody"}, "unknown_voice"), ({"input": " "}, "empty_text"), ({"speed": 9}, "out_of_range"),
     ({"on_unknown": "guess"}, "not_one_of")],
)  # fmt: skip
def test_it_refuses_what_speech_refuses(served, client, fields, code):
    assert preview(client, **fields).json["error"]["code"] == code
    assert not served.claimed


def test_previews_are_found_by_their_id_and_never_listed(client):
    job = preview(client).headers["X-Moksori-Job"]
    assert client.get(f"/v1/jobs/{job}").json["result"] == PREVIEWED
    assert client.get("/v1/jobs?kind=preview").json["data"] == []
    assert client.get("/v1/jobs").json["data"] == []


def test_a_preview_makes_no_files(client):
    job = preview(client).headers["X-Moksori-Job"]
    assert client.get(f"/v1/jobs/{job}").json["artifacts"] == []


def test_a_preview_can_be_asked_for_as_a_job(client):
    answer = preview(client, {"Prefer": "respond-async"})
    assert (answer.status_code, answer.json["kind"]) == (202, "preview")
