"""Words of a transcript that sound like an entry of a lexicon, written as the entry is.

A recogniser that never saw a name writes what it hears: 지리메시 for Z-Remesh. The sound is right and the spelling
is not, so both are compared as they are said, letter by letter (jamo), by edit distance
(https://rapidfuzz.github.io/RapidFuzz/Usage/distance/Levenshtein.html).
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from speech.cue_lines import units
from speech.transcript import Repair, Segment, Transcript, Word

MOST_WORDS = 4  # heard for one entry
# What may follow a noun; the longest that fits is tried first.
PARTICLES = (
    "이라고", "이라는", "에서는", "으로는", "이에요", "입니다", "라고", "라는", "에서", "에게", "으로",
    "까지", "부터", "처럼", "보다", "하고", "이랑", "예요", "은", "는", "이", "가", "을", "를", "의",
    "에", "도", "만", "로", "와", "과", "랑", "요",
)  # fmt: skip
# Sounds that are heard for one another cost half: plain, tense and aspirated; and vowels that have merged.
_ALIKE = str.maketrans("ㄲㅋㄸㅌㅃㅍㅆㅉㅊㅔㅖㅚㅞ", "ㄱㄱㄷㄷㅂㅂㅅㅈㅈㅐㅒㅙㅙ")
Read = Callable[[str], str]


@dataclass(frozen=True)
class Entry:
    """How a name is written, and how it is said where that is not as it is written."""

    written: str
    spoken: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Match:
    start: int  # of the words [start, end)
    end: int
    written: str
    errors: float
    letters: int

    @property
    def distance(self) -> float:
        return round(self.errors / self.letters, 3)


def repair(transcript: Transcript, entries: Iterable[Entry], read: Read) -> Transcript:
    """The transcript with repaired words, and in `repairs` a list of them; times stay as they were.

    `read` tells how a text is said, in Hangul. One letter of five may differ. A name of up to four letters sounds
    like too much else (잡아 like 자바): it must be spelled as it is said, in as many words. Particles stay.
    """
    book = _Book(entries, read)
    segments, told = [], []
    for segment in transcript.segments:
        matches = book.matches([units(word.word)[0] for word in segment.words])
        segments.append(_repaired(segment, matches))
        told += [_told(segment, match) for match in matches]
    if not told:
        return transcript
    text = "".join(segment.text for segment in segments).strip()
    return replace(transcript, text=text, segments=tuple(segments), repairs=tuple(told))


class _Book:
    """The entries by their sounds."""

    def __init__(self, entries: Iterable[Entry], read: Read) -> None:
        self._read = cache(lambda text: _sounds(read(text)))
        self._written, self._spelled = [], []
        for entry in entries:
            for spoken in entry.spoken or (entry.written,):
                self._written.append((entry.written, spoken))
                self._spelled.append(_coarse(_sounds(spoken) or self._read(spoken)))
        self._best = cache(self._look_up)

    def matches(self, texts: Sequence[str]) -> list[_Match]:
        """The best matches in a row of words, none overlapping another, in order."""
        found = [
            _Match(start, end, *best)
            for start in range(len(texts))
            for end in range(start + 1, min(start + MOST_WORDS, len(texts)) + 1)
            if (best := self._best(" ".join(texts[start:end])))
        ]
        found.sort(key=lambda one: (one.errors, one.end - one.start))
        chosen: list[_Match] = []
        for one in found:
            if all(one.end <= other.start or other.end <= one.start for other in chosen):
                chosen.append(one)
        return sorted(chosen, key=lambda one: one.start)

    def _look_up(self, heard: str) -> tuple[str, float, int] | None:
        """(how it is written, errors, letters) of the entry that some words sound most like."""
        heard, mark = _without_mark(heard)
        found = [
            (errors, written + rest + mark, letters)
            for stem, rest in _stems(heard)
            for written, errors, letters in self._alike(stem)
        ]
        if not found:
            return None
        errors, written, letters = min(found)
        return None if written == heard + mark else (written, errors, letters)

    def _alike(self, stem: str) -> Iterator[tuple[str, float, int]]:
        # Spelling first, which costs nothing; reading tells of the few that are left.
        spelled = _coarse(_sounds(stem)) or _coarse(self._read(stem))
        most = _allowed(len(spelled)) + 2
        near = process.extract(
            spelled, self._spelled, scorer=Levenshtein.distance, score_cutoff=most, limit=None
        )
        for _, _, place in near:
            written, spoken = self._written[place]
            said, wanted = self._read(stem), self._read(spoken)
            errors, allowed = _errors(said, wanted), _allowed(len(wanted))
            if wanted and errors <= allowed and (allowed or stem == spoken):
                yield written, errors, len(wanted)


def _errors(said: str, wanted: str) -> float:
    """Letters that differ; those that are heard for one another count half."""
    exact = Levenshtein.distance(said, wanted)
    return (exact + Levenshtein.distance(_coarse(said), _coarse(wanted))) / 2


def _allowed(letters: int) -> int:
    return 0 if letters < 5 else letters // 5


def _stems(heard: str) -> Iterator[tuple[str, str]]:
    """The words as they are, and without a particle at their end."""
    yield heard, ""
    for particle in PARTICLES:
        if heard.endswith(particle) and len(heard) > len(particle) + 1:
            yield heard.removesuffix(particle).rstrip(), particle


def _without_mark(heard: str) -> tuple[str, str]:
    plain = heard.rstrip(".,?!…")
    return plain, heard[len(plain) :]


def _sounds(text: str) -> str:
    """The letters of a text in Hangul, one character a sound; "" when there is another script in it."""
    plain = [c for c in text if c.isalnum()]
    if any(not "가" <= c <= "힣" for c in plain):
        return ""
    jamo = (_letter(c) for c in unicodedata.normalize("NFD", "".join(plain)))
    return "".join(jamo)


@cache
def _letter(jamo: str) -> str:
    """A conjoining jamo as its plain letter, so that a final ㄱ is the same as a leading one."""
    name = unicodedata.name(jamo).rpartition(" ")[2]
    if name == "IEUNG" and "CHOSEONG" in unicodedata.name(jamo):
        return ""
    return unicodedata.lookup(f"HANGUL LETTER {name}")


def _coarse(letters: str) -> str:
    return letters.translate(_ALIKE)


def _repaired(segment: Segment, matches: Sequence[_Match]) -> Segment:
    if not matches:
        return segment
    words: list[Word] = []
    at = 0
    for match in matches:
        words += segment.words[at : match.start]
        words += _rewritten(segment.words[match.start : match.end], match.written)
        at = match.end
    words += segment.words[at:]
    return replace(segment, text="".join(word.word for word in words), words=tuple(words))


def _rewritten(old: Sequence[Word], written: str) -> Iterator[Word]:
    """As many words as before keep a time each; else one word has the time of them all."""
    texts = written.split()
    lead = " " if old[0].word[:1].isspace() else ""
    if len(texts) == len(old):
        for number, (word, text) in enumerate(zip(old, texts, strict=True)):
            yield replace(word, word=(" " if number else lead) + text)
        return
    surest = min(word.probability for word in old)
    yield replace(old[0], word=lead + written, end=old[-1].end, probability=surest)


def _told(segment: Segment, match: _Match) -> Repair:
    old = segment.words[match.start : match.end]
    heard = " ".join(units(word.word)[0] for word in old)
    return Repair(heard, match.written, old[0].start, old[-1].end, match.distance)
