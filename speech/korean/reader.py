"""From a written Korean sentence to what is said, and to the symbols of a voice."""

import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

from speech.errors import InvalidRequest
from speech.korean.changes import Change, changes
from speech.korean.emojis import name as emoji_name
from speech.korean.emojis import sequences
from speech.korean.hangul import is_syllable
from speech.korean.lexicon import Lexicon
from speech.korean.plain import Plain, plain
from speech.korean.rendering import Rendered, render
from speech.korean.rules import RULES
from speech.korean.signs import PAUSES, sign_name, unicode_name
from speech.korean.sounds import Sounds
from speech.voices import Voice

OnUnknown = Literal["reject", "spell", "drop"]
Emoji = Literal["name", "silent"]
NO_ENTRIES = Lexicon()


@dataclass(frozen=True)
class Reading:
    """One sentence as it is written, as Hangul (`normalized`), and as it is said (`reading`)."""

    text: str  # as it was given
    normalized: str
    reading: str  # Hangul, spaces and ".,?!"
    changes: tuple[Change, ...]  # with places in `text`
    unknown: tuple[str, ...]  # characters that were left out
    words: tuple[
        tuple[str, int, int], ...
    ]  # written word, its first and past-last word of `reading`


class Reader:
    """Reads sentences; the sound rules are loaded once. `emoji` are said by name, or not at all."""

    def __init__(self, emoji: Emoji = "name") -> None:
        self._sounds = Sounds()
        self._emoji = emoji

    def read(
        self,
        text: str,
        on_unknown: OnUnknown = "spell",
        param: str = "input",
        lexicon: Lexicon = NO_ENTRIES,
        end: Literal[".", ","] = ".",
    ) -> Reading:
        """How `text` is said, the lexicon's entries first; an empty `reading` means that nothing in it has a sound.

        A text that ends in no stop gets `end`: a piece of a sentence, which goes on, a comma.

        Raises InvalidRequest("unreadable_characters") for on_unknown="reject" and a character without one.
        """
        written = plain(text)
        taken = [_in_hangul(change) for change in lexicon.changes(written.text)]
        rendered = render(written.text, self._changes(written.text, taken, on_unknown), end)
        if rendered.unknown and on_unknown == "reject":
            left = " ".join(rendered.unknown)
            raise InvalidRequest("unreadable_characters", param=param, characters=left)
        said = any(map(is_syllable, rendered.normalized))
        return Reading(
            text,
            rendered.normalized,
            self._sounds.said(rendered.normalized) if said else "",
            tuple(_in_source(change, text, written) for change in rendered.changes),
            rendered.unknown,
            _words(text, written, rendered) if said else (),
        )

    def _changes(self, text: str, taken: list[Change], on_unknown: OnUnknown) -> list[Change]:
        """The lexicon's changes, those of emoji, of the rules, and of each letter left that has a name."""
        pictures = [
            Change(start, end, text[start:end], self._picture(text[start:end]), "emoji")
            for start, end in sequences(text).items()
            if not any(change.start < end and start < change.end for change in taken)
        ]
        made = changes(text, RULES, [*taken, *pictures])
        covered = {place for change in made for place in range(change.start, change.end)}
        named = [
            Change(place, place + 1, letter, f" {said}{_gap(text, place)}", "sign")
            for place, letter in enumerate(text)
            if place not in covered and (said := _name(letter, on_unknown))
        ]
        return sorted([*made, *named], key=lambda change: change.start)

    def _picture(self, sequence: str) -> str:
        return f" {_hangul(emoji_name(sequence))} " if self._emoji == "name" else ""


def symbols(reading: str, voice: Voice) -> tuple[list[int], list[str], list[str]]:
    """Symbol ids of `reading` in the voice's order, the symbols themselves, and those the voice lacks."""
    places = {symbol: place for place, symbol in enumerate(voice.symbols)}
    whole = all(letter in places for letter in reading)  # a voice of syllables, not of jamo
    spelled = reading if whole else unicodedata.normalize("NFD", reading)
    known = [letter for letter in spelled if letter in places]
    lacking = sorted({letter for letter in spelled if letter not in places})
    return [places[letter] for letter in known], known, lacking


def _hangul(text: str) -> str:
    """A short text, such as the name of an emoji, as the rules say it."""
    written = plain(text).text
    return render(written, changes(written, RULES)).normalized.rstrip(".")


def _in_hangul(change: Change) -> Change:
    return replace(change, spoken=_hangul(change.spoken))


def _name(letter: str, on_unknown: OnUnknown) -> str:
    if is_syllable(letter) or letter == " " or (letter in PAUSES and not sign_name(letter)):
        return ""
    return sign_name(letter) or (unicode_name(letter) if on_unknown == "spell" else "")


def _gap(text: str, place: int) -> str:
    """No space between what a particle may follow, α or ∞, and the Hangul behind it."""
    noun = text[place].isalnum() or text[place] in "∞%‰°℃℉"
    return "" if noun and is_syllable(text[place + 1 : place + 2] or " ") else " "


def _in_source(change: Change, text: str, written: Plain) -> Change:
    start, end = written.origins[change.start], written.origins[change.end]
    return Change(start, end, text[start:end], change.spoken.strip(), change.kind)


def _words(text: str, written: Plain, rendered: Rendered) -> tuple[tuple[str, int, int], ...]:
    """Each written word with the range of said words that it became; one without sound joins the one before."""
    owner, spans = _written_words(written)
    said = _said_words(rendered, owner)
    found: list[tuple[str, int, int]] = []
    for number, (start, end) in enumerate(spans):
        word = text[start:end].strip()
        mine = said.get(number)
        if mine:
            found.append((word, mine[0], mine[1]))
        elif found:
            found[-1] = (f"{found[-1][0]} {word}", *found[-1][1:])
        else:
            found.append((word, 0, 1))
    return tuple(found)


def _written_words(written: Plain) -> tuple[list[int], list[tuple[int, int]]]:
    """The number of the written word that each plain letter belongs to, and each word's span in the source."""
    owner: list[int] = []
    spans: list[tuple[int, int]] = []
    for place, letter in enumerate(written.text):
        if letter != " " and (place == 0 or written.text[place - 1] == " "):
            spans.append((written.origins[place], 0))
        if letter != " ":
            spans[-1] = (spans[-1][0], written.origins[place + 1])
        owner.append(max(len(spans) - 1, 0))
    return owner, spans


def _said_words(rendered: Rendered, owner: list[int]) -> dict[int, tuple[int, int]]:
    """For each written word its first and past-last said word."""
    found: dict[int, tuple[int, int]] = {}
    number = 0
    for letter, place in zip(rendered.normalized, rendered.sources, strict=True):
        if letter == " ":
            number += 1
            continue
        first, _ = found.get(owner[place], (number, 0))
        found[owner[place]] = (first, number + 1)
    return found
