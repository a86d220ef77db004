"""POST /v1/subtitles:lint."""

import io

import pytest

from server.transcript_shapes import LintShape

GOOD = "1\n00:00:00,000 --> 00:00:02,000\n오늘은 자바를 배웁니다\n"
BAD = (
    "1\n00:00:00,000 --> 00:00:02,000\n오늘은 자바를 배웁니다\n\n"
    "3\n00:00:01,000 --> 00:00:01,300\n먼저 설치를 하고 그다음 실행해 보겠습니다\n"
)


def lint(client, text, **fields):
    return client.post("/v1/subtitles:lint", json={"text": text} | fields)


def upload(client, data, **fields):
    form = {"file": (io.BytesIO(data), "a.srt")} | fields
    return client.post("/v1/subtitles:lint", data=form)


def test_a_good_file_is_ok(client):
    told = lint(client, GOOD).json
    LintShape.model_validate(told)
    assert (told["ok"], told["problems"], told["format"], told["preset"]) == (
        True,
        [],
        "srt",
        "korean",
    )
    assert told["report"]["cues"] == 1


def test_each_problem_names_its_line_its_cue_and_its_rule(client):
    told = lint(client, BAD, preset="broadcast").json
    assert not told["ok"]
    assert [(one["line"], one["cue"], one["rule"]) for one in told["problems"]] == [
        (5, None, "wrong_number"),
        (6, 2, "min_seconds"),
        (6, 2, "overlap"),
        (6, 2, "line_chars"),
        (6, 2, "max_cps"),
    ]
    line = told["problems"][3]
    assert (line["found"], line["allowed"]) == (20.5, 16.0)
    assert line["message"].startswith("A line has 20.5 characters; at most 16")


def test_sentences_are_in_the_readers_language(client):
    headers = {"Accept-Language": "ko"}
    told = client.post("/v1/subtitles:lint", json={"text": BAD}, headers=headers).json
    assert "자막" in told["problems"][0]["message"]


def test_the_rules_can_be_changed(client):
    assert lint(client, GOOD, cue_rules={"max_chars": 5}).json["problems"][0]["rule"] == "max_chars"
    answer = lint(client, GOOD, cue_rules={"max_chars": 0})
    assert (answer.status_code, answer.json["error"]["param"]) == (400, "cue_rules.max_chars")


def test_a_file_can_be_uploaded_in_the_encodings_it_comes_in(client):
    assert upload(client, GOOD.encode("utf-8-sig")).json["ok"]
    told = upload(client, GOOD.encode("cp949"), cue_rules='{"max_cps": 50}').json
    assert [(one["rule"], one["found"]) for one in told["problems"]] == [("encoding", "cp949")]


@pytest.mark.parametrize("data", [b"\xff\x00\x81", b"1\n00:00:00,000 --> 00:00:01,000\na\0b\n"])
def test_bytes_that_are_no_text_are_refused(client, data):
    answer = upload(client, data)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_text")


def test_a_form_needs_its_file_and_a_body_its_text(client):
    answer = client.post("/v1/subtitles:lint", data={"preset": "korean"})
    assert answer.json["error"]["param"] == "file"
    assert client.post("/v1/subtitles:lint", json={}).json["error"]["param"] == "text"


def test_a_megabyte_of_faults_is_told_in_part(client):
    piece = "00:00:01.000 --> 00:00:00.000\n\n"
    told = lint(client, piece * (1_000_000 // len(piece))).json
    assert len(told["problems"]) == 1000
    assert told["more"] > 100_000


def test_a_file_over_the_limit_is_refused(served, client):
    most = served.settings.json_max_bytes
    assert lint(client, "a" * (2 * most)).status_code == 413
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    form = head + b"a" * (3 * most) + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    answer = client.post("/v1/subtitles:lint", data=form, content_type=kind)
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "form_too_large")
