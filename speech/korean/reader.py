"""From a written Korean sentence to what is said, and to the symbols of a voice."""

import unicodedata
from dataclasses import dataclass
from typing import Literal

from speech.errors import InvalidRequest
from speech.korean.latin import read_word
from speech.korean.rules import Change, changes
from speech.korean.sounds import Sounds
from speech.korean.tables import JAMO_NAMES, PAUSES, SYMBOLS, VOWELS
from speech.voices import Voice

OnUnknown = Literal["reject", "spell", "drop"]
ENDS = ".?!"


@dataclass(frozen=True)
class Reading:
    """One sentence as it is written, as Hangul (`normalized`), and as it is said (`reading`)."""

    text: str  # NFC
    normalized: str
    reading: str  # Hangul, spaces and ".,?!"
    changes: tuple[Change, ...]
    unknown: tuple[str, ...]  # characters that were left out
    words: tuple[
        tuple[str, int, int], ...
    ]  # written word, its first and past-last word of `reading`


class Reader:
    """Reads sentences; the sound rules are loaded once."""

    def __init__(self) -> None:
        self._sounds = Sounds()

    def read(self, text: str, on_unknown: OnUnknown = "spell", param: str = "input") -> Reading:
        """How `text` is said; an empty `reading` means that nothing in it has a sound.

        Raises InvalidRequest("unreadable_characters") for on_unknown="reject" and a character without one.
        """
        written = _plain(text)
        made = _with_symbols(written, changes(written), on_unknown)
        normalized, sources, unknown = _render(written, made)
        if unknown and on_unknown == "reject":
            raise InvalidRequest("unreadable_characters", param=param, characters=" ".join(unknown))
        reading = self._said(normalized) if any(map(_hangul, normalized)) else ""
        words = _words(written, normalized, sources) if reading else ()
        return Reading(written, normalized, reading, tuple(made), unknown, words)

    def _said(self, normalized: str) -> str:
        said = self._sounds.said(normalized)
        if said.count(" ") == normalized.count(" "):
            return said
        # The words' times hang on a said word for each written one: read them one at a time.
        return " ".join(self._sounds.said(word).replace(" ", "") for word in normalized.split(" "))


def symbols(reading: str, voice: Voice) -> tuple[list[int], list[str], list[str]]:
    """Symbol ids of `reading` in the voice's order, the symbols themselves, and those the voice lacks."""
    places = {symbol: place for place, symbol in enumerate(voice.symbols)}
    whole = all(letter in places for letter in reading)  # a voice of syllables, not of jamo
    spelled = reading if whole else unicodedata.normalize("NFD", reading)
    known = [letter for letter in spelled if letter in places]
    lacking = sorted({letter for letter in spelled if letter not in places})
    return [places[letter] for letter in known], known, lacking


def _plain(text: str) -> str:
    """NFC, and full-width, circled or joined forms as their plain letters."""
    return "".join(_compatible(letter) for letter in unicodedata.normalize("NFC", text))


def _compatible(letter: str) -> str:
    if letter in SYMBOLS or letter in PAUSES or letter in JAMO_NAMES or letter in VOWELS:
        return letter
    if letter.isspace():
        return " "
    if unicodedata.category(letter) in ("Cf", "Cc", "Mn"):  # joiners, selectors, controls: no sound
        return ""
    plain = unicodedata.normalize("NFKC", letter)
    base = unicodedata.normalize("NFKD", letter)[0]
    if base.isascii() and base.isalpha() and len(plain) == 1:
        return base  # é as e
    return letter if any(map(str.isspace, plain)) or not plain else plain


def _with_symbols(text: str, made: list[Change], on_unknown: OnUnknown) -> list[Change]:
    """The rules' changes, and one for each left character that is said by its name."""
    taken = {place for change in made for place in range(change.start, change.end)}
    named = [
        Change(place, place + 1, letter, f" {name} ", "symbol")
        for place, letter in enumerate(text)
        if place not in taken and (name := _name(letter, on_unknown))
    ]
    return sorted([*made, *named], key=lambda change: change.start)


def _name(letter: str, on_unknown: OnUnknown) -> str:
    if _hangul(letter) or letter.isspace() or letter in PAUSES:
        return ""
    known = SYMBOLS.get(letter) or JAMO_NAMES.get(letter) or VOWELS.get(letter)
    if known or on_unknown != "spell":
        return known or ""
    return _unicode_name(letter)


def _unicode_name(letter: str) -> str:
    """The name of a Greek or Cyrillic letter, a sign or an emoji, read as English; others have none."""
    name = unicodedata.name(letter, "")
    if name.startswith(("GREEK", "CYRILLIC")):
        name = name.split(" WITH ")[0].split()[-1]
        return read_word(name.capitalize()) if name.isalpha() else ""
    if unicodedata.category(letter) in ("So", "Sm", "Sc"):
        return " ".join(read_word(word.capitalize()) for word in name.split() if word.isalpha())
    return ""


def _render(text: str, made: list[Change]) -> tuple[str, list[int], tuple[str, ...]]:
    """The text with its changes, where each of its characters comes from, and what had no sound."""
    letters: list[tuple[str, int]] = []
    unknown: list[str] = []
    starts = {change.start: change for change in made}
    place = 0
    while place < len(text):
        if change := starts.get(place):
            letters += _spread(change)
            place = change.end
            continue
        letter = text[place]
        if _hangul(letter) or letter == " ":
            letters.append((letter, place))
        elif letter in PAUSES:
            letters += [(sound, place) for sound in PAUSES[letter]]
        elif letter not in SYMBOLS:
            unknown.append(letter)
        place += 1
    tidy = _tidy(letters)
    return (
        "".join(letter for letter, _ in tidy),
        [at for _, at in tidy],
        tuple(dict.fromkeys(unknown)),
    )


def _spread(change: Change) -> list[tuple[str, int]]:
    width, said = change.end - change.start, change.spoken
    return [(letter, change.start + i * width // len(said)) for i, letter in enumerate(said)]


def _tidy(letters: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Single spaces, no pause after a pause, a pause at the end, none at the start."""
    kept: list[tuple[str, int]] = []
    for letter, place in letters:
        if letter in " .,?!" and (not kept or (letter == " " and kept[-1][0] == " ")):
            continue
        if letter in ".,?!":
            while kept and kept[-1][0] == " ":
                kept.pop()
            if kept and kept[-1][0] in ".,?!":
                strong = letter if kept[-1][0] == "," else kept[-1][0]
                kept[-1] = (strong, kept[-1][1])
                continue
        elif letter != " " and kept and kept[-1][0] in ".,?!":
            kept.append((" ", place))
        kept.append((letter, place))
    while kept and kept[-1][0] in " ,":
        kept.pop()
    if kept and kept[-1][0] not in ENDS:
        kept.append((".", kept[-1][1]))
    return kept


def _words(text: str, normalized: str, sources: list[int]) -> tuple[tuple[str, int, int], ...]:
    """Each written word with the range of said words that it became; one without sound joins the one before."""
    owner: list[int] = []  # the written word that each character belongs to
    for place, letter in enumerate(text):
        new = letter != " " and (place == 0 or text[place - 1] == " ")
        owner.append((owner[-1] if owner else -1) + new)
    written = text.split()
    said = _said_words(normalized, [max(owner[place], 0) for place in sources])
    found: list[tuple[str, int, int]] = []
    for number, word in enumerate(written):
        mine = [place for place, owners in enumerate(said) if number in owners]
        if mine:
            found.append((word, mine[0], mine[-1] + 1))
        elif found:
            found[-1] = (f"{found[-1][0]} {word}", *found[-1][1:])
        else:
            found.append((word, 0, 1))
    return tuple(found)


def _said_words(normalized: str, owners: list[int]) -> list[set[int]]:
    said: list[set[int]] = [set()]
    for letter, owner in zip(normalized, owners, strict=True):
        if letter == " ":
            said.append(set())
        else:
            said[-1].add(owner)
    return said


def _hangul(letter: str) -> bool:
    return "가" <= letter <= "힣"
