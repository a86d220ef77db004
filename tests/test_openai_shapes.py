import json
from dataclasses import replace

import pytest
from openai.types.audio import Transcription, TranscriptionVerbose

from speech.cue_rules import rules_for
from speech.openai_shapes import RESPONSES, render
from speech.subtitles import WRITERS
from speech.transcript import Segment, Transcript, Word

HELLO = Transcript(
    text="안녕하세요.",
    language="ko",
    language_probability=0.99,
    duration=2.3,
    segments=(
        Segment(
            0,
            0.2,
            1.5,
            " 안녕하세요.",
            (5,),
            0.0,
            -0.2,
            1.0,
            0.1,
            (Word(" 안녕하세요.", 0.2, 1.5, 0.9),),
        ),
    ),
)


def test_json_is_the_text_and_its_cost():
    body, content_type = render(HELLO, "json")
    assert content_type == "application/json"
    assert json.loads(body) == {"text": "안녕하세요.", "usage": {"type": "duration", "seconds": 3}}
    assert Transcription.model_validate_json(body).text == "안녕하세요."


def test_verbose_json_is_what_the_openai_client_reads():
    read = TranscriptionVerbose.model_validate_json(
        render(HELLO, "verbose_json", ["word", "segment"])[0], strict=True
    )
    assert (read.language, read.duration, read.text) == ("korean", 2.3, "안녕하세요.")
    assert read.segments[0].start == 0.2
    assert (read.words[0].word, read.words[0].end) == ("안녕하세요.", 1.5)


@pytest.mark.parametrize(
    ("granularities", "keys"),
    [
        (["segment"], {"segments"}),
        (["word"], {"words"}),
        (["word", "segment"], {"words", "segments"}),
    ],
)
def test_only_the_times_asked_for_are_answered(granularities, keys):
    body = json.loads(render(HELLO, "verbose_json", granularities)[0])
    assert body.keys() & {"segments", "words"} == keys


def test_a_translation_is_in_english():
    body = json.loads(render(replace(HELLO, task="translate"), "verbose_json")[0])
    assert (body["task"], body["language"]) == ("translate", "english")


def test_text_and_subtitles_are_plain():
    assert render(HELLO, "text") == ("안녕하세요.\n", "text/plain; charset=utf-8")
    assert render(HELLO, "srt")[0].startswith("1\n00:00:00,200 --> 00:00:01,500\n")
    assert render(HELLO, "vtt")[0].startswith("WEBVTT\n")


def test_the_formats_are_openais():
    assert set(RESPONSES) == {"json", "text", "srt", "verbose_json", "vtt"}
    with pytest.raises(KeyError):
        render(HELLO, "docx")


@pytest.mark.parametrize(("name", "file"), [("text", "txt"), ("srt", "srt"), ("vtt", "vtt")])
def test_a_response_is_the_artifact_of_the_same_transcript(name, file):
    rules = rules_for("ko", "broadcast", {"max_chars": 5})
    for one in (None, rules):
        assert render(HELLO, name, rules=one)[0] == WRITERS[file](HELLO, one)
