"""Nothing lost: speech that no segment covers is listened to once more, by itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from speech.coverage import Coverage, Stretch
from speech.media import RATE
from speech.transcript import Segment
from worker.engines import Span, TranscribeOptions, Transcriber

SHORTEST = 1.0  # seconds of speech without a word that are worth another look
_EDGE = 0.3  # seconds by which word times may miss the speech
_NEAR = 1.0  # stretches closer than this are heard together
TIMES = 3  # that a gap is asked for; each time what was not heard yet, in pieces half as long
_LONGEST = 28.0  # seconds; they are heard in one window
_ROOM = 0.4  # seconds of sound around a stretch


class Listener:
    """Hears a recording through an engine, and what was passed over at first a second time."""

    def __init__(
        self,
        engine: Transcriber,
        samples: np.ndarray,
        options: TranscribeOptions,
        speech: Sequence[Span],
    ) -> None:
        self.engine, self.samples = engine, samples
        # Gentler: nothing before it to lead astray, and doubts that anybody speaks do not count.
        self.again = replace(
            options, prompt=None, vad_filter=True, no_speech_threshold=None, without_timestamps=True
        )
        self.speech = [(start / RATE, end / RATE) for start, end in speech]
        self.heard: list[Stretch] = []
        self.recovered: list[Stretch] = []

    @property
    def coverage(self) -> Coverage:
        """Known once the segments have all been taken."""
        spoken = sum(end - start for start, end in self.speech)
        edges = [0.0, *(edge for stretch in self.heard for edge in stretch), self._end]
        between = zip(edges[::2], edges[1::2], strict=True)
        missing = (gap for start, end in between for gap in self._uncovered(start, end))
        return Coverage(spoken, tuple(missing), tuple(sorted(self.recovered)))

    @property
    def _end(self) -> float:
        return len(self.samples) / RATE + _EDGE

    def complete(self, segments: Iterable[Segment], language: str) -> Iterator[Segment]:
        """The segments in order, those that were recovered among them."""
        for segment in self._complete(segments, language, (0.0, self._end), TIMES):
            self.heard.append((segment.start, segment.end))
            yield segment

    def _complete(
        self, segments: Iterable[Segment], language: str, within: Stretch, times: int
    ) -> Iterator[Segment]:
        until, end = within  # what is before `until` has been looked at
        for segment in chain(segments, [None]):
            if times:
                for gap in self._uncovered(until, segment.start if segment else end, times):
                    yield from self._recover(gap, language, times)
            if segment is not None:
                yield segment
                until = max(until, segment.end)

    def _uncovered(self, start: float, end: float, times: int = TIMES) -> list[Stretch]:
        """Speech between the end of one segment and the start of the next, in pieces for so many times to come."""
        start, end = start + (_EDGE if start else 0.0), end - _EDGE
        spoken = (
            (max(start, span[0]), min(end, span[1]))
            for span in self.speech
            if span[1] > start and span[0] < end
        )
        return _together(spoken, _LONGEST / 2 ** (TIMES - times))

    def _recover(self, gap: Stretch, language: str, times: int) -> Iterator[Segment]:
        """What is said in a gap; where only some of it is heard, the rest is asked for again."""
        first = max(0, round((gap[0] - _ROOM) * RATE))
        sound = self.samples[first : round((gap[1] + _ROOM) * RATE)]
        options = replace(self.again, language=language)
        heard = [
            _later(one, first / RATE, gap)
            for one in self.engine.transcribe(sound, options, [(0, len(sound))])[1]
        ]
        self.recovered += [(one.start, one.end) for one in heard]
        within = (gap[0] - _EDGE, gap[1] + _EDGE)
        yield from self._complete(heard, language, within, times - 1 if heard else 0)


def _together(stretches: Iterable[Stretch], longest: float) -> list[Stretch]:
    """Stretches that are near each other in pieces of so many seconds; what is short and alone is let go."""
    runs: list[list[Stretch]] = []
    for stretch in stretches:
        if runs and stretch[0] - runs[-1][-1][1] < _NEAR:
            runs[-1].append(stretch)
        else:
            runs.append([stretch])
    kept = (run for run in runs if run[-1][1] - run[0][0] >= SHORTEST)
    return [piece for run in kept for piece in _pieces(run, longest)]


def _pieces(run: Sequence[Stretch], longest: float) -> list[Stretch]:
    found = [run[0]]
    for start, end in run[1:]:
        if end - found[-1][0] < longest:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _later(segment: Segment, by: float, gap: Stretch) -> Segment:
    """A segment of a gap at its place in the recording, marked; its times stay inside the gap."""

    def place(time: float) -> float:
        return min(max(time + by, gap[0]), gap[1])

    words = tuple(replace(w, start=place(w.start), end=place(w.end)) for w in segment.words)
    start, end = place(segment.start), place(segment.end)
    return replace(segment, start=start, end=end, words=words, flags=("recovered",))
