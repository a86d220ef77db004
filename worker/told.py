"""What a speech result tells beside the sound: what was read otherwise, and what was left out."""

from collections.abc import Iterable
from typing import Any

from speech.errors import InvalidRequest
from speech.lexicon import entry_of
from worker.lines import Line

MOST_CHANGES = 200  # of a result; the text itself says the rest


class Told:
    """Collects what the lines, or the parts, of a text tell; places are characters of the whole text."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.changes: list[dict[str, Any]] = []
        self.unknown: dict[str, None] = {}
        self.versions: dict[str, None] = {}  # of the voice, in the parts
        self.reading: list[str] = []
        for line in lines:
            self.changes += _changes(line)
            self.unknown |= dict.fromkeys((*line.reading.unknown, *line.lacking))
            self.reading.append(line.reading.reading)

    def add_result(self, result: dict[str, Any], offset: int) -> None:
        """What the result of a part told, which stands at `offset` of the text."""
        self.changes += [
            {**change, "start": change["start"] + offset, "end": change["end"] + offset}
            for change in result.get("changes", [])
        ]
        self.unknown |= dict.fromkeys(result.get("unknown", []))
        self.versions[result.get("voice_version", "")] = None
        self.reading.append(result.get("reading", ""))

    def to_json(self) -> dict[str, Any]:
        """The fields of a result."""
        return {"changes": self.changes[:MOST_CHANGES], "unknown": list(self.unknown)}

    def warnings(self) -> list[dict[str, Any]]:
        """Nothing is dropped silently."""
        if not self.unknown:
            return []
        left_out = list(self.unknown)
        problem = InvalidRequest("characters_left_out", characters=" ".join(left_out))
        return [{"code": problem.code, "message": problem.message(), "characters": left_out}]


def _changes(line: Line) -> list[dict[str, Any]]:
    at = line.sentence.start
    return [
        {
            "start": change.start + at,
            "end": change.end + at,
            "from": change.written,
            "to": change.spoken,
            **_why(change.kind),
        }
        for change in line.reading.changes
    ]


def _why(kind: str) -> dict[str, str]:
    entry = entry_of(kind)
    return {"rule": kind} if entry is None else {"entry": entry}
