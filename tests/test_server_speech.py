"""POST /v1/audio/speech."""

import json
import unicodedata

import pytest

from tests.server_fixtures import TYPES


def speak(client, headers=None, **fields):
    asked = {"model": "tts-1", "input": "안녕", "voice": "gaon"} | fields
    return client.post(
        "/v1/audio/speech",
        data=json.dumps(asked),
        content_type="application/json",
        headers=headers,
    )


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_each_format_is_answered_with_its_type(client, name):
    answer = speak(client, response_format=name)
    assert (answer.status_code, answer.content_type) == (200, TYPES[name])
    assert answer.data == f"{name}:1:1.0:안녕".encode()
    assert answer.content_length == len(answer.data)
    assert client.get(f"/v1/jobs/{answer.headers['X-Moksori-Job']}").json["state"] == "succeeded"


def test_mp3_is_the_default_as_with_openai(client):
    assert speak(client).content_type == "audio/mpeg"


@pytest.mark.parametrize("voice", ["gaon", "가온", "1", 1, {"id": "gaon"}, "GAON", "alloy"])
def test_a_voice_may_be_named_by_id_slug_name_or_alias(served, client, voice):
    assert speak(client, voice=voice).status_code == 200
    assert served.claimed[-1].request["voice"] == 1


def test_a_name_in_nfd_from_macos_is_the_same_voice(client):
    assert speak(client, voice=unicodedata.normalize("NFD", "가온")).status_code == 200


@pytest.mark.parametrize("speed", [0.25, 1, 4.0])
def test_the_speed_reaches_the_worker(served, client, speed):
    assert speak(client, speed=speed).status_code == 200
    assert served.claimed[-1].request["speed"] == speed


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"voice": "nobody"}, "unknown_voice", "voice"),
        ({"voice": True}, "wrong_type", "voice"),
        ({"voice": None}, "wrong_type", "voice"),
        ({"voice": 9}, "unknown_voice", "voice"),
        ({"model": "tts-9"}, "unknown_speech_model", "model"),
        ({"speed": 0.2}, "out_of_range", "speed"),
        ({"speed": 4.1}, "out_of_range", "speed"),
        ({"speed": "1"}, "wrong_type", "speed"),
        ({"speed": True}, "wrong_type", "speed"),
        ({"response_format": "wma"}, "not_one_of", "response_format"),
        ({"stream_format": "ogg"}, "not_one_of", "stream_format"),
        ({"instructions": "whisper"}, "field_not_supported", "instructions"),
        ({"webhook": "https://example.com"}, "field_not_supported", "webhook"),
        ({"sample_rate": 8001}, "not_one_of", "sample_rate"),
        ({"sample_rate": 8000, "response_format": "opus"}, "opus_rate", "sample_rate"),
        ({"seed": -1}, "out_of_range", "seed"),
        ({"seed": 2**32}, "out_of_range", "seed"),
        ({"seed": 1.5}, "wrong_type", "seed"),
        ({"on_unknown": "guess"}, "not_one_of", "on_unknown"),
        ({"extra": 1}, "unknown_field", "extra"),
        ({"input": ""}, "empty_text", "input"),
        ({"input": "\u200b \n"}, "empty_text", "input"),
        ({"input": 5}, "wrong_type", "input"),
        ({"input": "안\ud800녕"}, "bad_text", None),
        ({"input": "안\0녕"}, "bad_text", None),
    ],
)
def test_what_cannot_be_spoken_is_refused_at_once(served, client, fields, code, param):
    answer = speak(client, **fields)
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert error["type"] == "invalid_request_error"
    assert not served.claimed


def test_an_unknown_format_lists_what_is_allowed(client):
    message = speak(client, response_format="wma").json["error"]["message"]
    assert message == "response_format must be one of: mp3, opus, aac, flac, wav, pcm."


def test_a_text_is_counted_composed_and_refused_over_the_limit(served, client):
    limit = served.settings.text_max_characters
    assert speak(client, input=unicodedata.normalize("NFD", "각" * limit)).status_code == 200
    answer = speak(client, input="각" * (limit + 1))
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "text_too_long")
    assert "5001" in answer.json["error"]["message"]


def test_a_job_may_be_longer_than_a_call_that_waits(served, client):
    prefer = {"Prefer": "respond-async"}
    long = "각" * (served.settings.text_max_characters + 1)
    answer = speak(client, prefer, input=long)
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json['id']}"
    assert answer.headers["Preference-Applied"] == "respond-async"
    too_long = "각" * (served.settings.job_text_max_characters + 1)
    assert speak(client, prefer, input=too_long).status_code == 413


def test_an_authorization_header_is_ignored(client):
    assert speak(client, {"Authorization": "Bearer nothing"}).status_code == 200


@pytest.mark.parametrize("policy", ["reject", "drop"])
def test_what_to_do_with_unreadable_characters_reaches_the_worker(served, client, policy):
    assert speak(client, on_unknown=policy).status_code == 200
    assert served.claimed[-1].request["on_unknown"] == policy


def test_a_request_that_says_the_default_is_the_same_as_one_that_says_nothing(served, client):
    key = {"Idempotency-Key": "one"}
    first = speak(client, key).headers["X-Moksori-Job"]
    assert speak(client, key, on_unknown="spell").headers["X-Moksori-Job"] == first


def test_sample_rate_and_seed_reach_the_worker(served, client):
    assert speak(client, sample_rate=16_000, seed=0).status_code == 200
    assert (served.claimed[-1].request["sample_rate"], served.claimed[-1].request["seed"]) == (
        16_000,
        0,
    )


def test_cache_control_no_cache_reaches_the_worker(served, client):
    assert speak(client, {"Cache-Control": "no-cache"}).status_code == 200
    assert served.claimed[-1].request["no_cache"] is True
    assert speak(client).status_code == 200
    assert "no_cache" not in served.claimed[-1].request
