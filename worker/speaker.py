"""Speaks sentences: reader, voices and engine in one, with the times of every word."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from speech.korean.reader import OnUnknown, Reader, Reading, symbols
from speech.settings import Settings
from speech.transcript import Segment, Word
from speech.voices import Voice, Voices, load_voices
from voice_model.engines import Engine, load
from voice_model.pipeline import SpeakOptions

PAUSE = 0.2  # seconds between two sentences at normal speed
WARM_UP = "안녕하세요."

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """How a text is to be spoken; `speed` is 0.25-4."""

    voice: Voice
    speed: float = 1.0
    on_unknown: OnUnknown = "spell"


@dataclass(frozen=True)
class Utterance:
    """One spoken sentence; `segment` is timed from the start of the recording, None without a sound."""

    samples: np.ndarray  # float32, with the pause before the sentence
    segment: Segment | None
    reading: Reading
    lacking: tuple[str, ...] = ()  # symbols that the voice does not have


class Speaker:
    """Holds the loaded models of the speech lane."""

    def __init__(self, voices: Voices, engine: Engine, reader: Reader) -> None:
        self.voices = voices
        self.engine = engine
        self.reader = reader
        self.refused = ""  # the stamp of newer voices that could not be taken
        self.behind = False  # newer voices are asked for

    def speak(
        self, cut: list[str], request: Request, check: Callable[[], None] = lambda: None
    ) -> Iterator[Utterance]:
        """Each sentence of `cut`, as soon as it is spoken.

        `check` is called before and within sentences. Raises InvalidRequest("unreadable_characters") and
        Internal("voice_broken").
        """
        samples, number = 0, 0
        for sentence in cut:
            check()
            utterance = self._say(sentence, request, samples, number, check)
            samples += len(utterance.samples)
            number += utterance.segment is not None
            yield utterance

    def _say(
        self, sentence: str, request: Request, at: int, number: int, check: Callable[[], None]
    ) -> Utterance:
        reading = self.reader.read(sentence, request.on_unknown)
        ids, spelled, lacking = symbols(reading.reading, request.voice)
        if not ids:
            return Utterance(np.zeros(0, np.float32), None, reading, tuple(lacking))
        options = SpeakOptions(length_scale=1.0 / request.speed)
        audio, frames = self.engine.synthesize(ids, request.voice, options, check)
        before = pause(audio.rate, request.speed) if at else pause(0)
        start = (at + len(before)) / audio.rate
        ends = np.cumsum(frames) * (request.voice.hop / audio.rate)
        words = word_times(reading, spelled, start + np.concatenate([[0.0], ends]))
        segment = Segment(number, start, start + audio.duration, reading.text, words=words)
        samples = np.concatenate([before, audio.samples])
        return Utterance(samples, segment, reading, tuple(lacking))


def pause(rate: int, speed: float = 1.0) -> np.ndarray:
    """The silence between two sentences."""
    return np.zeros(int(PAUSE / speed * rate), np.float32)


def word_times(reading: Reading, spelled: list[str], edges: np.ndarray) -> tuple[Word, ...]:
    """The written words with the times of the said words that they became.

    `edges` are the n + 1 borders in seconds of the n symbols in `spelled`.
    """
    said: list[list[float]] = [[]]
    for place, letter in enumerate(spelled):
        if letter == " ":
            said.append([])
        else:
            said[-1] += [edges[place], edges[place + 1]]
    spans = [(times[0], times[-1]) if times else None for times in said]
    found, last = [], float(edges[0])
    for word, first, end in reading.words:
        times = [span for span in spans[first:end] if span]
        start, last = (float(times[0][0]), float(times[-1][1])) if times else (last, last)
        found.append(Word(f" {word}", start, last, 1.0))
    return tuple(found)


def load_speech_models(settings: Settings) -> Speaker:
    """Voices, engine and sound rules, warmed up. Raises when not one voice can speak."""
    return load_speaker(load_voices(settings), Reader(), settings)


def load_speaker(voices: Voices, reader: Reader, settings: Settings) -> Speaker:
    """These voices, warmed up. Raises when not one of them can speak."""
    speaker = Speaker(voices, load(voices, settings), reader)
    well = next(voice for voice in voices if voice.member not in speaker.engine.broken)
    for _ in speaker.speak([WARM_UP], Request(well)):
        log.info("speech: %s, %d voices", speaker.engine.name, len(voices))
    return speaker


def describe(speaker: Speaker) -> dict[str, Any]:
    """What a worker tells of its speech models."""
    broken = speaker.engine.broken
    return {
        "speech_engine": speaker.engine.name,
        "voices": [voice.member for voice in speaker.voices if voice.member not in broken],
        "broken_voices": {str(member): reason for member, reason in broken.items()},
    }
