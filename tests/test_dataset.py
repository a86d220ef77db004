"""Recordings to learn from: read in both layouts, checked, reported by file and line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech.settings import Settings
from speech.voices import load_voices
from tests.recordings import sound, write
from voice_model.dataset_checks import check, measure
from voice_model.dataset_report import write_report
from voice_model.recordings import read_recordings

VOICE = load_voices(Settings()).find(1)
TEXT = "오늘은 날씨가 참 좋네요."


def dataset(folder: Path, *lines: str, **sounds: np.ndarray) -> Path:
    """A folder in LJSpeech's layout."""
    for name, samples in sounds.items():
        write(folder / "wavs" / f"{name}.wav", samples)
    (folder / "metadata.csv").write_text("\n".join(lines), "utf-8")
    return folder


def found(folder: Path) -> tuple[list[Any], dict[int, set[str]]]:
    """The recordings that can be used, and what was found by line."""
    recordings, findings = read_recordings(folder)
    checked, more = check(recordings, VOICE, VOICE.hop)
    by_line: dict[int, set[str]] = {}
    for finding in [*findings, *more]:
        by_line.setdefault(finding.line, set()).add(finding.code)
    return checked, by_line


def test_sound_recordings_of_both_layouts_are_taken(tmp_path: Path) -> None:
    lj = dataset(tmp_path / "lj", f"a|{TEXT}", f"b|written|{TEXT}", a=sound(), b=sound(seed=1))
    checked, findings = found(lj)
    assert [each.recording.id for each in checked] == ["a", "b"]
    assert findings == {2: {"repeated"}}
    kss = tmp_path / "kss"
    write(kss / "1" / "1_0000.wav", sound())
    (kss / "transcript.v.1.4.txt").write_text(
        f"1/1_0000.wav|적은 글|{TEXT}|…|2.0|It is fine.", "utf-8"
    )
    checked, findings = found(kss)
    assert [each.recording.text for each in checked] == [TEXT] and not findings
    assert 3 < checked[0].pace < 7


def test_a_teachers_reading_and_durations_are_taken_as_they_are(tmp_path: Path) -> None:
    frames = " ".join(["10"] * 8 + ["93"])
    lines = (
        f"a|안 보이는 글|가나다라.|{frames}",
        "b|글|가나다라.|1 2 3",
        f"c|글|가나다라.|{frames}0",
    )
    folder = dataset(tmp_path, *lines, a=sound(), b=sound(seed=1), c=sound(seed=2))
    checked, findings = found(folder)
    assert [each.reading for each in checked] == ["가나다라."]
    assert findings == {2: {"frames"}, 3: {"frames"}}


Spoil = Callable[[np.ndarray], np.ndarray]


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("clipping", lambda samples: (samples * 50).clip(-1, 1)),
        ("silence", lambda samples: samples * 0),
        ("length", lambda samples: samples[:5000]),
        ("length", lambda samples: np.tile(samples, 9)),
        ("alignment", lambda samples: samples[: len(samples) // 3]),
    ],
)
def test_a_sound_that_cannot_be_learned_from_is_left_out(
    tmp_path: Path, code: str, spoil: Spoil
) -> None:
    checked, findings = found(dataset(tmp_path, f"a|{TEXT}", a=spoil(sound())))
    assert not checked and code in findings[1]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("a", "line"),
        (f"nowhere|{TEXT}", "line"),
        (f"../a|{TEXT}", "line"),
        (f"/etc/passwd|{TEXT}", "line"),
        ("a|오늘은 ねこ 날씨", "characters"),
        ("a|...", "unreadable"),
        (f"text|{TEXT}", "unreadable"),
        (f"a|{TEXT}|{TEXT}|1 x", "line"),
    ],
)
def test_a_broken_line_is_named_and_the_others_stand(tmp_path: Path, line: str, code: str) -> None:
    folder = dataset(tmp_path, line, "", f"b|{TEXT}", a=sound(), b=sound(seed=1))
    (folder / "wavs" / "text.wav").write_text("no sound", "utf-8")
    checked, findings = found(folder)
    assert [each.recording.id for each in checked] == ["b"]
    assert findings == {1: {code}}


def test_a_low_rate_is_refused_and_the_same_sound_twice_is_used_once(tmp_path: Path) -> None:
    folder = dataset(tmp_path, f"a|{TEXT}", f"b|{TEXT}", f"c|{TEXT}", a=sound(), b=sound())
    write(folder / "wavs" / "c.wav", sound(rate=16_000), 16_000)
    checked, findings = found(folder)
    assert [each.recording.id for each in checked] == ["a"]
    assert findings == {2: {"copy"}, 3: {"rate"}}


def test_silence_is_measured_at_both_ends() -> None:
    told = measure(np.concatenate([np.zeros(22050), sound(silence=0.0), np.zeros(11025)]), 22050)
    assert told.before == pytest.approx(1.0, abs=0.02)
    assert told.after == pytest.approx(0.5, abs=0.02)
    assert told.spoken == pytest.approx(2.0, abs=0.03)


def test_a_folder_without_a_transcript_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"metadata\.csv"):
        read_recordings(tmp_path)


def test_the_report_names_file_and_line_and_trusts_no_text(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "<b>", f"a|{TEXT}", "<script>|x", a=sound())
    recordings, findings = read_recordings(folder)
    checked, more = check(recordings, VOICE, VOICE.hop)
    write_report(tmp_path / "report.html", "<b>", checked, [*findings, *more])
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "1 recordings" in page and "<svg" in page
    assert "metadata.csv<td>2<td>line" in page
    assert "<script>" not in page and "<b>" not in page
    assert "http" not in page.replace("http://www.w3.org", "")
