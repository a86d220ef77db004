"""POST /v1/audio/transcriptions and /translations."""

import io
import unicodedata
from dataclasses import replace

import pytest

from speech.errors import BadMedia
from worker.engines import TranscribeOptions
from worker.transcribe import options_of


def hear(client, route="transcriptions", file=b"RIFF....", name="a.wav", headers=None, **fields):
    form = {"model": "whisper-1"} | fields
    if file is not None:
        form["file"] = (io.BytesIO(file), name)
    return client.post(f"/v1/audio/{route}", data=form, headers=headers)


@pytest.mark.parametrize(
    ("name", "start", "kind"),
    [
        ("json", '{"text": "안녕하세요. 반갑습니다."', "application/json"),
        ("text", "안녕하세요.\n반갑습니다.\n", "text/plain"),
        ("srt", "1\n00:00:00,000 --> 00:00:01,500\n안녕하세요.\n", "application/x-subrip"),
        ("vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n", "text/vtt"),
        ("verbose_json", '{"task": "transcribe", "language": "korean"', "application/json"),
    ],
)
def test_each_format_is_rendered_from_the_stored_transcript(client, name, start, kind):
    answer = hear(client, response_format=name)
    assert (answer.status_code, answer.mimetype) == (200, kind)
    assert answer.text.startswith(start)


def test_the_granularities_choose_words_and_segments(client):
    def keys(*wanted):
        form = {"timestamp_granularities[]": list(wanted)}
        told = hear(client, response_format="verbose_json", **form).json
        return {name for name in ("words", "segments") if name in told}

    assert keys() == {"segments"}
    assert keys("word") == {"words"}
    assert keys("word", "segment") == {"words", "segments"}


def test_granularities_need_verbose_json(client):
    answer = hear(client, **{"timestamp_granularities[]": "word"})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "needs_verbose_json")


def test_the_options_reach_the_worker_and_the_file_is_stored_before_the_row(served, client):
    name = unicodedata.normalize("NFD", "한글 녹음.wav")
    answer = hear(client, language="Korean", prompt="목소리", temperature="0.4", name=name)
    assert answer.status_code == 200
    job = served.claimed[-1]
    told = {key: job.request[key] for key in ("language", "prompt", "temperature")}
    assert told == {"language": "ko", "prompt": "목소리", "temperature": 0.4}
    assert job.input["name"] == unicodedata.normalize("NFC", name)
    assert job.input["bytes"] == 8
    assert b"".join(served.storage.open(job.input["key"])) == b"RIFF...."


def test_a_translation_is_a_job_of_its_own_kind(served, client):
    answer = hear(client, "translations", response_format="verbose_json")
    assert answer.json["task"] == "translate"
    assert served.claimed[-1].kind == "translation"
    assert hear(client, "translations", language="ko").json["error"]["code"] == "unknown_field"


def test_a_url_takes_the_files_place_in_a_form_and_in_json(served, client):
    url = "https://example.com/a.mp3"
    assert hear(client, file=None, url=url).status_code == 200
    assert client.post("/v1/audio/transcriptions", json={"url": url}).status_code == 200
    assert [job.input for job in served.claimed] == [{"url": url}, {"url": url}]


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"file": None}, "one_input", "file"),
        ({"url": "https://example.com/a"}, "one_input", "file"),
        ({"file": b""}, "media_empty", "file"),
        ({"file": None, "url": "ftp://example.com/a"}, "bad_url", "url"),
        ({"file": None, "url": "https://user@example.com/a"}, "bad_url", "url"),
        ({"file": None, "url": "https://"}, "bad_url", "url"),
        ({"file": None, "url": "https://exa mple.com/"}, "bad_url", "url"),
        ({"file": None, "url": "file:///etc/passwd"}, "bad_url", "url"),
        ({"model": "whisper-9"}, "unknown_model", "model"),
        ({"language": "klingon"}, "unknown_language", "language"),
        ({"temperature": "2"}, "out_of_range", "temperature"),
        ({"temperature": "warm"}, "wrong_type", "temperature"),
        ({"temperature": "nan"}, "wrong_type", "temperature"),
        ({"response_format": "diarized_json"}, "no_diarization", "response_format"),
        ({"diarization": "true"}, "no_diarization", "diarization"),
        ({"known_speaker_names[]": ["a", "b"]}, "no_diarization", "known_speaker_names"),
        ({"stream": "true", "response_format": "srt"}, "stream_needs_json", "response_format"),
        ({"include[]": "logprobs"}, "field_not_supported", "include"),
        ({"chunking_strategy": "never"}, "broken_json", "chunking_strategy"),
        ({"chunking_strategy[type]": "client"}, "not_one_of", "chunking_strategy"),
        ({"beam_size": "11"}, "out_of_range", "beam_size"),
        ({"vad_filter": "perhaps"}, "wrong_type", "vad_filter"),
        ({"vad_parameters": '{"threshold": 1}'}, "out_of_range", "vad_parameters.threshold"),
        (
            {"vad_parameters": '{"max_speech_duration_s": 9}'},
            "unknown_field",
            "vad_parameters.max_speech_duration_s",
        ),
        ({"languages[]": ["ko", "klingon"]}, "unknown_language", "languages"),
        ({"languages[]": ["auto"]}, "bad_value", "languages"),
        ({"language_detection_threshold": "1.1"}, "out_of_range", "language_detection_threshold"),
        ({"confidence_threshold": "-1"}, "out_of_range", "confidence_threshold"),
        (
            {"chunking_strategy[type]": "server_vad", "vad_parameters": '{"threshold": 0.4}'},
            "not_both",
            "chunking_strategy",
        ),
        ({"prompt": ["a", "b"]}, "field_twice", "prompt"),
        ({"prompt": "a\0b"}, "bad_text", "prompt"),
        ({"wrong": "1"}, "unknown_field", "wrong"),
    ],
)
def test_what_cannot_be_heard_is_refused_at_once(served, client, fields, code, param):
    answer = hear(client, **fields)
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert not served.claimed


def test_the_file_field_has_one_name_and_one_file(client):
    two = {"file": [(io.BytesIO(b"a"), "a"), (io.BytesIO(b"b"), "b")]}
    assert client.post("/v1/audio/transcriptions", data=two).json["error"]["code"] == "field_twice"
    other = {"audio": (io.BytesIO(b"a"), "a")}
    error = client.post("/v1/audio/transcriptions", data=other).json["error"]
    assert (error["code"], error["param"]) == ("unknown_field", "audio")


def test_media_that_the_worker_cannot_read_are_a_bad_request(served, client):
    def refuse(job):
        raise BadMedia("media_unreadable", param="file")

    served.before = refuse
    answer = hear(client)
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "media_unreadable", "file")
    assert answer.headers["X-Moksori-Job"]


def test_the_same_key_with_the_same_file_finds_the_job_and_keeps_one_input(served, client):
    key = {"Idempotency-Key": "one"}
    first, again = hear(client, headers=key), hear(client, headers=key)
    assert first.headers["X-Moksori-Job"] == again.headers["X-Moksori-Job"]
    other = hear(client, file=b"another file", headers=key)
    assert (other.status_code, other.json["error"]["code"]) == (422, "idempotency_mismatch")
    inputs = served.storage.root / "t" / "default" / "inputs"
    assert len([path for path in inputs.iterdir() if not path.name.startswith(".")]) == 1


def test_every_option_of_the_engine_reaches_the_worker(served, client):
    form = {
        "hotwords": "목소리", "beam_size": "2", "vad_filter": "false", "without_timestamps": "false",
        "vad_parameters": '{"threshold": 0.4, "speech_pad_ms": 200}', "languages[]": ["ko", "English", "ko"],
        "language_detection_threshold": "0.7", "confidence_threshold": "0.3",
    }  # fmt: skip
    assert hear(client, **form).status_code == 200
    options = options_of(served.claimed[-1])
    assert options == TranscribeOptions(
        beam_size=2, vad_filter=False, without_timestamps=False, hotwords="목소리", temperature=0.0,
        vad_parameters={"threshold": 0.4, "speech_pad_ms": 200}, languages=("ko", "en"),
        language_detection_threshold=0.7, confidence_threshold=0.3,
    )  # fmt: skip


def test_openais_own_way_to_say_what_speech_is_means_the_same(served, client):
    form = {"chunking_strategy[type]": "server_vad", "chunking_strategy[threshold]": "0.6"}
    assert hear(client, **form).status_code == 200
    assert served.claimed[-1].request["vad_parameters"] == {
        "threshold": 0.6, "speech_pad_ms": 300, "min_silence_duration_ms": 200,
    }  # fmt: skip
    assert hear(client, chunking_strategy="auto").status_code == 200
    assert "vad_parameters" not in served.claimed[-1].request


def test_auto_is_detection_everywhere(served, client):
    assert hear(client, language="auto").status_code == 200
    assert served.claimed[-1].request["language"] is None


def test_the_refusal_of_speakers_says_what_to_install(client):
    message = hear(client, diarization="true").json["error"]["message"]
    assert "pyannote.audio" in message
    assert "diarization" in message


def test_no_cache_asks_for_a_decoding_of_its_own(served, client):
    assert hear(client).status_code == 200
    assert "cache" not in served.claimed[-1].request
    assert hear(client, headers={"Cache-Control": "no-cache"}).status_code == 200
    assert served.claimed[-1].request["cache"] is False


def test_with_an_engine_that_tells_speakers_apart_a_request_may_ask_for_it(served, client):
    service = served.app.extensions["moksori"]
    settings = replace(service.settings, transcription_speakers=True)
    served.app.extensions["moksori"] = replace(service, settings=settings)
    assert hear(client, diarization="true").status_code == 200
    assert options_of(served.claimed[-1]).diarization
    error = hear(client, diarization="true", max_speakers="3").json["error"]
    assert (error["code"], error["param"]) == ("field_not_supported", "max_speakers")
