"""How much of the speech in a recording its transcript holds, and what in it is doubtful."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Stretch = tuple[float, float]  # start and end in seconds

LOW = 0.8  # less of the speech covered than this is worth a warning


@dataclass(frozen=True)
class Coverage:
    """Seconds of speech that were found, and what no segment covers."""

    speech: float = 0.0
    missing: tuple[Stretch, ...] = ()  # nothing was heard there, twice
    recovered: tuple[Stretch, ...] = ()  # passed over at first, heard when asked again

    @property
    def ratio(self) -> float:
        """The part of the speech that the transcript holds, from 0 to 1."""
        missing = sum(end - start for start, end in self.missing)
        return max(0.0, 1 - missing / self.speech) if self.speech else 1.0

    def to_json(self) -> dict[str, Any]:
        """As transcript.json holds it."""
        return {
            "speech": round(self.speech, 3),
            "ratio": round(self.ratio, 4),
            "missing": [_stretch(one) for one in self.missing],
            "recovered": [_stretch(one) for one in self.recovered],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Coverage":
        """What `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            float(data["speech"]),
            tuple((float(one["start"]), float(one["end"])) for one in data["missing"]),
            tuple((float(one["start"]), float(one["end"])) for one in data["recovered"]),
        )


def merged(parts: Sequence[tuple[float, Coverage]]) -> Coverage:
    """The coverage of a recording from that of its parts, each with its start in seconds."""
    return Coverage(
        sum(one.speech for _, one in parts),
        tuple(_moved(stretch, by) for by, one in parts for stretch in one.missing),
        tuple(_moved(stretch, by) for by, one in parts for stretch in one.recovered),
    )


def _moved(stretch: Stretch, by: float) -> Stretch:
    return stretch[0] + by, stretch[1] + by


def _stretch(stretch: Stretch) -> dict[str, float]:
    return {"start": round(stretch[0], 3), "end": round(stretch[1], 3)}
