import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.cue_rules import rules_for
from speech.subtitles import CONTENT_TYPES, WRITERS, cues_of, from_json, to_json
from speech.transcript import Segment, Transcript, Word


def transcript(*segments: Segment) -> Transcript:
    text = "".join(segment.text for segment in segments).strip()
    return Transcript(text, "ko", 0.98, 12.5, segments, engine={"name": "stub"})


TWO = transcript(
    Segment(
        0,
        0.0,
        1.9996,
        " 안녕하세요.",
        (1, 2),
        0.2,
        -0.3,
        1.1,
        0.01,
        (Word(" 안녕하세요.", 0.1, 1.9996, 0.9),),
    ),
    Segment(
        1, 3661.0005, 3662.25, " 반갑습니다.", words=(Word(" 반갑습니다.", 3661.0, 3662.25, 0.8),)
    ),
)

segments = st.lists(
    st.builds(
        Segment,
        id=st.just(0),
        start=st.floats(0, 20_000),
        end=st.floats(0, 20_000),
        text=st.text(max_size=30),
    ),
    max_size=5,
)


def test_what_the_json_writer_wrote_reads_back_equal():
    assert from_json(json.loads(WRITERS["json"](TWO))) == TWO


def test_the_json_file_has_the_words_beside_the_segments():
    data = to_json(TWO)
    assert data["words"][1] == {
        "id": 1,
        "word": " 반갑습니다.",
        "start": 3661.0,
        "end": 3662.25,
        "probability": 0.8,
        "segment": 1,
        "sentence": None,
        "time_source": "engine",
    }
    assert data["segments"][0]["text"] == " 안녕하세요."
    assert data["duration"] == 12.5


def test_something_else_than_a_transcript_is_not_read():
    with pytest.raises(KeyError):
        from_json({"text": "안녕"})


def test_srt_rounds_to_milliseconds_before_it_splits_into_fields():
    assert WRITERS["srt"](TWO) == (
        "1\n00:00:00,100 --> 00:00:02,000\n안녕하세요.\n"
        "\n2\n01:01:01,000 --> 01:01:02,250\n반갑습니다.\n"
    )


def test_vtt_has_its_header_and_its_hours():
    assert WRITERS["vtt"](TWO) == (
        "WEBVTT\n\n00:00:00.100 --> 00:00:02.000\n안녕하세요.\n"
        "\n01:01:01.000 --> 01:01:02.250\n반갑습니다.\n"
    )


def test_text_is_a_line_for_each_sentence():
    assert WRITERS["txt"](TWO) == "안녕하세요.\n반갑습니다.\n"


def test_nothing_said_gives_files_that_are_valid():
    nothing = transcript()
    assert WRITERS["txt"](nothing) == ""
    assert WRITERS["srt"](nothing) == ""
    assert WRITERS["vtt"](nothing) == "WEBVTT\n"
    assert from_json(json.loads(WRITERS["json"](nothing))) == nothing


def test_a_text_cannot_break_out_of_its_cue():
    nasty = transcript(Segment(0, 0.0, 1.0, "a <b>&\n\n00:00 --> 00:01\r\nWEBVTT"))
    assert "a &lt;b&gt;&amp; 00:00 --&gt; 00:01 WEBVTT" in WRITERS["vtt"](nasty)
    assert WRITERS["srt"](nasty).count("-->") == 1


def test_files_follow_the_rules_that_are_asked_for():
    words = tuple(Word(f" {n}번째", n, n + 1, 1.0) for n in range(8))
    spoken = transcript(Segment(0, 0, 8, " …", words=words))
    assert WRITERS["srt"](spoken).count("-->") == 1
    assert WRITERS["srt"](spoken, rules_for("ko", None, {"max_chars": 8})).count("-->") == 4


def test_a_segment_without_words_is_written_from_its_text():
    data = to_json(transcript(Segment(0, 1.0, 3.0, " 하나 둘")))
    told = [
        (word["word"], word["start"], word["end"], word["time_source"]) for word in data["words"]
    ]
    assert told == [(" 하나", 1.0, 2.333, "interpolated"), (" 둘", 2.333, 3.0, "interpolated")]


def test_every_format_has_a_content_type():
    assert CONTENT_TYPES.keys() == WRITERS.keys()


@given(segments)
def test_any_transcript_gives_whole_cues_with_all_its_text(some):
    clock = r"(\d{2,}):[0-5]\d:[0-5]\d[.,]\d{3}"
    wanted = len(cues_of(transcript(*some)))
    for name in ("srt", "vtt"):
        file = WRITERS[name](transcript(*some))
        assert len(re.findall(f"^{clock} --> {clock}$", file, re.M)) == wanted
        assert file.count("-->") == wanted
    text = "".join(segment.text for segment in some).replace("\0", "")
    assert "".join(WRITERS["txt"](transcript(*some)).split()) == "".join(text.split())


@given(segments)
def test_a_cue_ends_after_it_starts(some):
    for line in WRITERS["vtt"](transcript(*some)).splitlines():
        if re.match(r"\d\d+:\d\d:\d\d\.\d{3} --> ", line):
            start, end = line.split(" --> ")
            assert (len(start), start) < (len(end), end)
