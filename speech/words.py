"""The words of a transcript in one row: each with a time, a sentence and a place that nothing later moves.

A word's place in this row is its id. Corrections and cues name words by it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, repeat

from speech.transcript import Segment, Transcript, Word

# Whisper cuts these languages between characters, having no spaces to go by (openai/whisper, tokenizer.py).
SPACELESS = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
_ENDS_SENTENCE = re.compile(r"[.!?…。！？][\"'”’」』》〉)\]]*$")
_ABBREVIATION = re.compile(r"^[(\"']*(?:[A-Za-z]|No|Dr|Mr|Ms|Mrs|vs|St|Prof)\.$")
Span = tuple[float, float]


@dataclass(frozen=True)
class Placed:
    """A word and the ids [first, last] of the words as heard that it stands for: one, until somebody corrects it."""

    word: Word
    first: int
    last: int
    speaker: str | None = None


def place(words: Iterable[Word], speakers: Iterable[str | None] = repeat(None)) -> list[Placed]:
    """The words as heard, each in its own place."""
    said = enumerate(zip(words, speakers, strict=False))
    return [Placed(word, number, number, speaker) for number, (word, speaker) in said]


def placed(transcript: Transcript) -> list[Placed]:
    """The words of a transcript as heard, each in its own place."""
    transcript = with_words(transcript)
    speakers = (segment.speaker for segment in transcript.segments for _ in segment.words)
    return place(words_of(transcript), speakers)


def words_of(transcript: Transcript) -> list[Word]:
    """Every word in order; a segment that came without words gets those of its text, interpolated."""
    language = written_language(transcript)
    return [
        word
        for segment in transcript.segments
        for word in segment.words or _from(segment, language)
    ]


def written_language(transcript: Transcript) -> str:
    """The language of its text: a translation is English, whatever was spoken."""
    return "en" if transcript.task == "translate" else transcript.language


def with_words(transcript: Transcript) -> Transcript:
    """The same transcript, each of its segments with words."""
    language = written_language(transcript)
    segments = (
        segment if segment.words else replace(segment, words=tuple(_from(segment, language)))
        for segment in transcript.segments
    )
    return replace(transcript, segments=tuple(segments))


def interpolate(
    texts: Sequence[str], times: Sequence[Span | None], bounds: Span
) -> list[tuple[float, float, bool]]:
    """A time for each of `texts`: (start, end, whether it was interpolated).

    A run of words without a time divides what lies between its timed neighbours, or the sentence's `bounds`,
    in proportion to their letters.
    """
    found: list[tuple[float, float, bool]] = []
    at, here = 0, bounds[0]
    while at < len(texts):
        known = times[at]
        if known is not None:
            found.append((*known, False))
            at, here = at + 1, known[1]
            continue
        end = at
        while end < len(texts) and times[end] is None:
            end += 1
        following = times[end] if end < len(texts) else None
        until = max(here, following[0] if following else bounds[1])
        found += [(*span, True) for span in _shares(texts[at:end], here, until)]
        at, here = end, until
    return found


def sentence_numbers(words: Sequence[Word]) -> list[int]:
    """The sentence of each word; where nobody counted them, a sentence ends with its mark (. ! ? 。)."""
    if all(word.sentence is not None for word in words):
        return [word.sentence or 0 for word in words]
    numbers = [0] if words else []
    for before, _ in pairwise(words):
        numbers.append(numbers[-1] + ends_sentence(before.word))
    return numbers


def ends_sentence(text: str) -> bool:
    """True for a word with a mark that ends a sentence; an initial or a title (Dr.) has none."""
    text = text.strip()
    return bool(_ENDS_SENTENCE.search(text)) and not _ABBREVIATION.match(text)


def with_sentences(transcript: Transcript, numbers: Sequence[int]) -> Transcript:
    """The transcript with a sentence number on each word; `numbers` is as long as words_of(transcript)."""
    transcript = with_words(transcript)
    following = iter(numbers)
    segments = (
        replace(
            segment, words=tuple(replace(word, sentence=next(following)) for word in segment.words)
        )
        for segment in transcript.segments
    )
    return replace(transcript, segments=tuple(segments))


def tokens(text: str, language: str) -> list[str]:
    """A text cut into words, each with the space before it; into characters where the language has no spaces."""
    return re.findall(r"\s*\S" if language in SPACELESS else r"\s*\S+", text)


def _from(segment: Segment, language: str) -> Iterator[Word]:
    texts = tokens(segment.text, language)
    untimed = [None] * len(texts)
    for text, (start, end, _) in zip(
        texts, interpolate(texts, untimed, (segment.start, segment.end)), strict=True
    ):
        yield Word(text, start, end, 0.0, "interpolated")


def _shares(texts: Sequence[str], start: float, end: float) -> Iterator[Span]:
    letters = [max(1, sum(c.isalnum() for c in text)) for text in texts]
    done, whole = 0, sum(letters)
    edges = [start]
    for count in letters:
        done += count
        edges.append(min(end, max(start, round(start + (end - start) * done / whole, 3))))
    edges[-1] = end
    yield from pairwise(edges)
