"""GET /v1/models and /v1/audio/voices."""

from server.shapes import ModelListShape, VoiceListShape
from speech.voices import MODEL_ALIASES


def test_every_model_and_alias_is_listed_and_can_be_asked_for(client):
    answer = client.get("/v1/models").json
    ModelListShape.model_validate(answer)
    names = [model["id"] for model in answer["data"]]
    assert {*MODEL_ALIASES, "whisper-1", "base"} <= set(names)
    for name in names:
        assert client.get(f"/v1/models/{name}").json["id"] == name


def test_an_unknown_model_is_a_404_that_lists_the_known(client):
    answer = client.get("/v1/models/gpt-9")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "model_not_found")
    assert "whisper-1" in answer.json["error"]["message"]


def test_the_five_voices_are_listed_with_what_they_answer_to(client):
    answer = client.get("/v1/audio/voices").json
    VoiceListShape.model_validate(answer)
    assert [voice["member"] for voice in answer["data"]] == [1, 2, 3, 4, 5]
    for voice in answer["data"]:
        for name in (voice["id"], voice["name"], *voice["aliases"]):
            asked = {"input": "a", "voice": name}
            told = client.post("/v1/audio/speech", json=asked)
            assert told.status_code == 200, name
