"""SubRip and WebVTT files of any making, read with the line of every cue and of everything that is wrong.

The libraries for these formats (srt, webvtt-py, pysubs2) mend or drop what is malformed and keep no line numbers;
here the faults are what is asked for.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?=\s|$)")
_STRICT = {
    "srt": re.compile(
        r"\d{2,}:[0-5]\d:[0-5]\d,\d{3} --> \d{2,}:[0-5]\d:[0-5]\d,\d{3}\s*$", re.ASCII
    ),
    "vtt": re.compile(
        r"(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}[ \t]+-->[ \t]+(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}(?:[ \t]|$)",
        re.ASCII,
    ),
}
_MARKUP = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
# A number that no character has; Python refuses to read one of thousands of digits.
_HUGE_REFERENCE = re.compile(r"&#[0-9]{9,};?")
_NOTES = ("NOTE", "STYLE", "REGION")


@dataclass(frozen=True)
class Entry:
    """A cue of a file: its number and line from 1, its times in milliseconds, its lines without markup."""

    number: int
    line: int
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    """Something that the format does not allow; `line` from 1, `found` as it stands there."""

    line: int
    rule: str  # bad_time, time_format, wrong_number, missing_blank_line, stray_text or encoding
    found: str = ""


@dataclass(frozen=True)
class SubtitleFile:
    """What a file holds; `kind` is srt or vtt."""

    kind: str
    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


Block = list[tuple[int, str]]


def decode(data: bytes) -> tuple[str, str]:
    """(text, encoding) of a file's bytes: UTF-8, UTF-16 with its mark, or Windows' Korean.

    Raises UnicodeDecodeError for anything else.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16"), "utf-16"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("cp949"), "cp949"


def read(text: str) -> SubtitleFile:
    """The cues and faults of a file; one that starts with WEBVTT is WebVTT, everything else SubRip."""
    lines = re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))
    kind = "vtt" if lines[0].startswith("WEBVTT") else "srt"
    found = SubtitleFile(kind)
    for block in _blocks(found, lines):
        if kind == "vtt" and not _is_cue(block) and (block[0][0] == 1 or _is_note(block)):
            continue
        _take(found, block)
    return found


def _blocks(found: SubtitleFile, lines: list[str]) -> Iterator[Block]:
    """Runs of lines that are not blank; a second time line in a run starts another one."""
    block: Block = []
    for number, line in enumerate(lines, 1):
        if "-->" in line and any("-->" in before for _, before in block[:2]):
            label = [block.pop()] if _is_label(found.kind, block) else []
            found.faults.append(Fault(number, "missing_blank_line"))
            yield block
            block = label
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _is_label(kind: str, block: Block) -> bool:
    return kind == "srt" and len(block) > 1 and block[-1][1].strip().isdecimal()


def _is_cue(block: Block) -> bool:
    return any("-->" in line for _, line in block[:2])


def _is_note(block: Block) -> bool:
    return block[0][1].split(maxsplit=1)[0] in _NOTES


def _take(found: SubtitleFile, block: Block) -> None:
    place = next((n for n, (_, line) in enumerate(block[:2]) if "-->" in line), None)
    if place is None:
        found.faults.append(Fault(block[0][0], "stray_text", block[0][1][:80]))
        return
    number, line = block[place]
    times = _TIMES.match(line)
    if times is None:
        found.faults.append(Fault(number, "bad_time", line[:80]))
        return
    if not _STRICT[found.kind].match(line):
        found.faults.append(Fault(number, "time_format", line[:80]))
    following = len(found.entries) + 1
    if found.kind == "srt":
        label = block[0][1].strip() if place else ""
        if label != str(following):
            found.faults.append(Fault(block[0][0], "wrong_number", label[:80]))
    texts = tuple(plain for _, text in block[place + 1 :] if (plain := _plain(text)))
    start, end = _milliseconds(*times.groups()[:4]), _milliseconds(*times.groups()[4:])
    found.entries.append(Entry(following, number, start, end, texts))


def _plain(text: str) -> str:
    return html.unescape(_HUGE_REFERENCE.sub("\ufffd", _MARKUP.sub("", text))).strip()


def _milliseconds(hours: str | None, minutes: str, seconds: str, part: str | None) -> int:
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1000 + int((part or "0").ljust(3, "0"))
