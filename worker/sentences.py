"""Where the sentences of a transcript end; in Korean by its endings, as speech has no punctuation."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

from speech.cue_lines import units
from speech.transcript import Transcript, Word
from speech.words import sentence_numbers, with_sentences, with_words, written_language

PIECE = 20_000  # characters that are read at once, half an hour or more of talk
BEFORE = 500  # characters, several sentences, that make the place of a piece's first sentence sure


def number_sentences(transcript: Transcript) -> Transcript:
    """The same transcript, each word with the number of its sentence.

    Korean sentences are found by Kiwi in one pass over the whole text, so that cues can be built anew with other
    rules and without Kiwi; those of other languages by their marks. None goes on from one speaker to another.
    """
    transcript = with_words(transcript)
    numbers: list[int] = []
    count = _korean if written_language(transcript) == "ko" else sentence_numbers
    for _, turn in groupby(transcript.segments, key=lambda segment: segment.speaker):
        words = [word for segment in turn for word in segment.words]
        past = numbers[-1] + 1 if numbers else 0
        numbers += [past + number for number in count(words)]
    return with_sentences(transcript, numbers)


def _korean(words: Sequence[Word]) -> list[int]:
    parts: list[str] = []
    places, at = [], 0
    for word in words:
        token, spaced = units(word.word)
        gap = " " if spaced and at else ""
        places.append(at + len(gap))
        parts.append(gap + token)
        at += len(gap) + len(token)
    if not parts:
        return []
    starts = _starts("".join(parts))
    return [max(0, bisect_right(starts, place) - 1) for place in places]


def _starts(text: str) -> list[int]:
    """Where sentences start; pieces of a long text are read side by side, each from a little before its own start."""
    places = range(0, len(text), PIECE)
    pieces = [text[max(0, place - BEFORE) : place + PIECE + BEFORE] for place in places]
    found = _kiwi().split_into_sents(pieces, return_sub_sents=False)
    return [
        start
        for place, sentences in zip(places, found, strict=True)
        for sentence in sentences
        if place <= (start := max(0, place - BEFORE) + sentence.start) < place + PIECE
    ]


@cache
def _kiwi() -> Any:
    """The analyser, loaded when the first Korean is heard; its lists of names and phrases end no sentence."""
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=2, load_default_dict=False, load_multi_dict=False)
