"""SRT and WebVTT files of any making, read with their faults."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.cue_rules import PRESETS
from speech.cues import Cue, build
from speech.subtitle_file import decode, read
from speech.subtitles import srt, vtt
from speech.transcript import Word
from speech.words import place

GOOD = "1\n00:00:00,000 --> 00:00:01,000\n하나\n\n2\n00:00:01,000 --> 00:00:02,500\n둘\n셋\n"


def faults(text):
    return [(fault.line, fault.rule) for fault in read(text).faults]


def shown(text):
    return [(one.start_ms, one.end_ms, one.lines) for one in read(text).entries]


def test_a_good_file_has_cues_and_no_faults():
    file = read(GOOD)
    assert (file.kind, file.faults) == ("srt", [])
    assert shown(GOOD) == [(0, 1000, ("하나",)), (1000, 2500, ("둘", "셋"))]
    assert [(one.number, one.line) for one in file.entries] == [(1, 2), (2, 6)]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_a_byte_order_mark_and_other_line_ends_change_nothing(end):
    other = "\ufeff" + GOOD.replace("\n", end)
    assert (shown(other), faults(other)) == (shown(GOOD), [])


def test_webvtt_has_headers_notes_styles_and_settings_that_are_no_cues():
    text = (
        "WEBVTT - a talk\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\nSTYLE\n::cue { color: red }\n\n"
        "NOTE\nby hand\n\nintro\n00:01.000 --> 00:02.000 align:start\n<v Ann>a &lt; <i>b</i>\n\n"
        "01:00:00.000 --> 01:00:01.000\n둘\n"
    )
    assert faults(text) == []
    assert shown(text) == [(1000, 2000, ("a < b",)), (3_600_000, 3_601_000, ("둘",))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GOOD.replace("\n2\n", "\n3\n"), [(5, "wrong_number")]),
        (GOOD.replace("2\n00", "00"), [(5, "wrong_number")]),
        (GOOD.replace("01,000 -->", "01.000 -->"), [(6, "time_format")]),
        (GOOD.replace("00:00:01,000 -->", "0:0:1,0 -->"), [(6, "time_format")]),
        (GOOD.replace("00:00:01,000 -->", "００:００:０１,０００ -->"), [(6, "time_format")]),
        (GOOD.replace("00:00:02,500", "soon"), [(6, "bad_time")]),
        (GOOD.replace("하나\n\n", "하나\n"), [(5, "missing_blank_line")]),
        (GOOD.replace("둘\n", "둘\n\n"), [(9, "stray_text")]),
        ("WEBVTT\n\n00:00:00,000 --> 00:00:01,000\na\n", [(3, "time_format")]),
        ("just a text", [(1, "stray_text")]),
        ("", []),
    ],
)
def test_what_a_format_does_not_allow_is_found_on_its_line(text, found):
    assert faults(text) == found


def test_a_cue_without_a_blank_line_before_it_is_still_a_cue():
    assert shown(GOOD.replace("하나\n\n", "하나\n")) == shown(GOOD)


def test_a_cue_may_be_empty_or_backwards_for_the_rules_to_find():
    text = "1\n00:00:02,000 --> 00:00:01,000\n{\\an8}<i></i>\n"
    assert shown(text) == [(2000, 1000, ())]


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("cp949", "cp949")],
)
def test_the_encodings_that_korean_files_come_in_are_read(encoding, told):
    text, found = decode(GOOD.encode(encoding))
    assert (shown(text), found) == (shown(GOOD), told)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(UnicodeDecodeError):
        decode(b"\xff\x00\x81")


@given(st.lists(st.text(max_size=12), max_size=12), st.sampled_from(list(PRESETS.values())))
def test_what_we_write_reads_back_without_a_fault(texts, rules):
    words = [Word(f" {text}", n, n + 0.8, 1.0) for n, text in enumerate(texts)]
    cues = build(place(words), rules)
    for text in (srt(cues), vtt(cues)):
        file = read(text)
        assert file.faults == []
        assert [(one.start_ms, one.end_ms) for one in file.entries] == [
            (cue.start_ms, cue.end_ms) for cue in cues
        ]
    told = [one.lines for one in read(vtt(cues)).entries]
    assert [len(lines) for lines in told] == [len(cue.lines) for cue in cues]


def test_text_that_looks_like_markup_is_written_so_that_it_reads_back():
    cue = Cue(0, 1000, ("a <b> &amp; c",), 0, 0)
    assert read(vtt([cue])).entries[0].lines == cue.lines


@pytest.mark.parametrize("ending", [";", ""])
def test_a_reference_to_a_character_that_cannot_be_is_one_unknown_character(ending):
    assert shown(GOOD.replace("하나", f"a&#{'9' * 5000}{ending}"))[0][2] == ("a\ufffd",)


@given(st.text(st.sampled_from("0123:,.->\r\n <{W\ufeff가"), max_size=200))
def test_no_text_breaks_the_reader(text):
    for one in (read(text), read("WEBVTT\n\n" + text)):
        assert all(entry.line >= 1 and entry.start_ms >= 0 for entry in one.entries)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    ["<", "-->\n", "1\n00:00:00,000 --> 00:00:00,001\n\n", "{\\", "00:00:00,000 --> ", "\n"],
)
def test_a_megabyte_of_anything_is_read_in_seconds(piece):
    began = time.process_time()
    read(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 5
