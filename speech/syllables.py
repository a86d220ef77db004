"""The syllables of Korean words, for players that light them up one by one."""

import unicodedata
from itertools import pairwise

from speech.transcript import Word


def syllables(word: Word) -> list[Word]:
    """A word's syllables, each with an equal share of its time, marked as split by length.

    Hangul syllables are near enough of one length; what is between them (digits, Latin letters) counts by
    characters. Punctuation belongs to the syllable before it. Times are seconds, rounded to milliseconds.
    """
    found: list[str] = []
    for character in unicodedata.normalize("NFC", word.word).strip():
        if found and not character.isalnum():
            found[-1] += character
        else:
            found.append(character)
    step = (word.end - word.start) / max(1, len(found))
    edges = [round(word.start + step * number, 3) for number in range(len(found))] + [word.end]
    return [
        Word(text, start, end, word.probability, "split", word.sentence)
        for text, (start, end) in zip(found, pairwise(edges), strict=True)
    ]
