"""The silence that is added to speech: between its pieces, and at commas where an operator wants it."""

from dataclasses import dataclass

import numpy as np

from speech.korean.sentences import Border
from speech.settings import Settings


@dataclass(frozen=True)
class Pauses:
    """Milliseconds of silence at normal speed; none is added anywhere else."""

    comma: int = 0  # on top of what the voice itself makes of a comma
    clause: int = 100
    sentence: int = 200
    paragraph: int = 500

    def __post_init__(self) -> None:
        if min(self.comma, self.clause, self.sentence, self.paragraph) < 0:
            raise ValueError("MOKSORI_PAUSE_SENTENCE_MS and its siblings are 0 or more")

    @classmethod
    def from_settings(cls, settings: Settings) -> "Pauses":
        """As the operator set them."""
        return cls(
            settings.pause_comma_ms,
            settings.pause_clause_ms,
            settings.pause_sentence_ms,
            settings.pause_paragraph_ms,
        )

    def between(self, border: Border, rate: int, speed: float) -> np.ndarray:
        """The silence of a border, as samples."""
        return np.zeros(_length(getattr(self, border), rate, speed), np.float32)

    def at_commas(self, spelled: list[str], rate: int, speed: float) -> int:
        """How many samples `within` adds."""
        return len(_commas(spelled)) * _length(self.comma, rate, speed)

    def within(
        self, samples: np.ndarray, edges: np.ndarray, spelled: list[str], rate: int, speed: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sound with silence at the quietest sample of each comma, and the edges of its symbols moved along.

        `edges` are the n + 1 borders, in samples, of the n symbols in `spelled`.
        """
        length, commas = _length(self.comma, rate, speed), _commas(spelled)
        if not length or not commas:
            return samples, edges
        places = [_quietest(samples, edges[at], edges[at + 1]) for at in commas]
        longer = np.insert(samples, np.repeat(places, length), np.float32(0))
        moved = edges + length * np.searchsorted(np.array(commas), np.arange(len(edges)))
        return longer, moved


USUAL = Pauses()


def _length(milliseconds: int, rate: int, speed: float) -> int:
    return int(milliseconds / 1000 / speed * rate)


def _commas(spelled: list[str]) -> list[int]:
    """The commas within; one at the end is a border."""
    return [place for place, letter in enumerate(spelled[:-1]) if letter == ","]


def _quietest(samples: np.ndarray, start: float, end: float) -> int:
    first = min(int(start), len(samples))
    stretch = np.abs(samples[first : max(int(end), first + 1)])
    return first + int(np.argmin(stretch)) if len(stretch) else first
