"""JSON bodies are read strictly."""

import pytest

GOOD = b'{"input": "a", "voice": 1}'


def post(client, body, kind="application/json"):
    return client.post("/v1/audio/speech", data=body, content_type=kind)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "broken_json"),
        (b"{", "broken_json"),
        (b'{"input": "a",}', "broken_json"),
        (b"{'input': 'a'}", "broken_json"),
        (b'{"input": "a", "input": "b"}', "broken_json"),
        (b'{"input": "a", "voice": {"id": "1", "id": "2"}}', "broken_json"),
        (b'{"speed": NaN}', "broken_json"),
        (b'{"speed": Infinity}', "broken_json"),
        (b'{"speed": 1e999}', "broken_json"),
        (b'{"speed": ' + b"9" * 5000 + b"}", "broken_json"),
        (b'{"input": "\xff"}', "broken_json"),
        (b"[" * 200_000, "broken_json"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"input": "\\ud83d"}', "bad_text"),
        (b'{"\\ud83d": 1}', "bad_text"),
        (b'{"input": ["\\u0000"]}', "bad_text"),
    ],
)
def test_a_body_that_is_not_sound_json_is_refused(client, body, code):
    answer = post(client, body)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, code)


def test_a_whole_surrogate_pair_and_a_written_escape_are_text(served, client):
    assert post(client, b'{"input": "\\ud83d\\ude00 \\\\u0000", "voice": 1}').status_code == 200
    assert served.claimed[0].request["input"] == "😀 \\u0000"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", None])
def test_json_must_say_that_it_is_json(client, kind):
    answer = post(client, GOOD, kind)
    assert (answer.status_code, answer.json["error"]["code"]) == (415, "not_json")


def test_a_byte_order_mark_is_named(client):
    assert "BOM" in post(client, b"\xef\xbb\xbf" + GOOD).json["error"]["message"]


def test_the_limit_is_the_settings(served, client):
    limit = served.settings.json_max_bytes
    answer = post(client, b" " * (limit - len(GOOD)) + GOOD)
    assert answer.status_code == 200
    answer = post(client, b" " * (limit + 1 - len(GOOD)) + GOOD)
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "body_too_large")
