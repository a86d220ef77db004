"""Speaks sentences: reader, voices and engine in one, with the times of every word."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from speech.errors import InvalidRequest
from speech.korean.lexicon import Lexicon
from speech.korean.reader import NO_ENTRIES, Emoji, OnUnknown, Reader, symbols
from speech.korean.sentences import Border, Sentence
from speech.settings import Settings
from speech.transcript import Segment
from speech.voices import Voice, Voices, load_voices
from voice_model.engines import Engine, load
from voice_model.pipeline import SEED, SpeakOptions
from worker.lines import Line, Timing, caption
from worker.pauses import USUAL, Pauses

WARM_UP = "안녕하세요."
FADE = 0.005  # seconds

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """How a text is to be spoken; `speed` is 0.25-4."""

    voice: Voice
    speed: float = 1.0
    on_unknown: OnUnknown = "spell"
    seed: int | None = None  # of the noise; None: always the same
    lexicon: Lexicon = NO_ENTRIES


@dataclass(frozen=True)
class Utterance:
    """One spoken sentence; `segment` is timed from the start of the recording, None without a sound."""

    samples: np.ndarray  # float32, with the pause before the sentence
    segment: Segment | None
    line: Line
    timing: Timing | None = None


class Speaker:
    """Holds the loaded models of the speech lane."""

    def __init__(
        self, voices: Voices, engine: Engine, reader: Reader, pauses: Pauses = USUAL
    ) -> None:
        self.voices = voices
        self.engine = engine
        self.reader = reader
        self.pauses = pauses
        self.refused = ""  # the stamp of newer voices that could not be taken
        self.behind = False  # newer voices are asked for

    def read(
        self, cut: list[Sentence], request: Request, check: Callable[[], None] = lambda: None
    ) -> list[Line]:
        """How the sentences of `cut` are said; `check` is called before each.

        Raises InvalidRequest("unreadable_characters").
        """
        lines: list[Line] = []
        border: Border | None = None  # before the first sound there is no pause
        for sentence in cut:
            check()
            end: Literal[".", ","] = "," if sentence.border == "clause" else "."
            reading = self.reader.read(
                sentence.text, request.on_unknown, lexicon=request.lexicon, end=end
            )
            ids, spelled, lacking = symbols(reading.reading, request.voice)
            if lacking and request.on_unknown == "reject":
                left = " ".join(lacking)
                raise InvalidRequest("unreadable_characters", param="input", characters=left)
            lines.append(Line(sentence, reading, ids, spelled, tuple(lacking), border))
            if ids:
                border = sentence.border
            elif border and sentence.border == "paragraph":  # a line of signs may end one
                border = "paragraph"
        return lines

    def predict(self, lines: list[Line], request: Request) -> float:
        """Seconds that the lines will take. Raises Internal("voice_broken")."""
        voice, options, samples = request.voice, _options(request), 0
        for line in lines:
            if line.ids:
                samples += len(self._pause(line, request))
                samples += voice.hop * sum(self.engine.predict(line.ids, voice, options))
                samples += self.pauses.at_commas(line.spelled, voice.rate, request.speed)
        return samples / voice.rate

    def speak(
        self, lines: list[Line], request: Request, check: Callable[[], None] = lambda: None
    ) -> Iterator[Utterance]:
        """Each line, as soon as it is spoken.

        `check` is called before and within lines. Raises Internal("voice_broken").
        """
        samples, number = 0, 0
        for line in lines:
            check()
            utterance = self._say(line, request, samples, number, check)
            samples += len(utterance.samples)
            number += utterance.segment is not None
            yield utterance

    def say(self, texts: Iterable[str], request: Request) -> Iterator[Utterance]:
        """Each text, spoken as one sentence. Raises as `read` and `speak`."""
        cut = [Sentence(text, 0, len(text)) for text in texts]
        return self.speak(self.read(cut, request), request)

    def _say(
        self, line: Line, request: Request, at: int, number: int, check: Callable[[], None]
    ) -> Utterance:
        if not line.ids:
            return Utterance(np.zeros(0, np.float32), None, line)
        voice = request.voice
        audio, frames = self.engine.synthesize(line.ids, voice, _options(request), check)
        before = self._pause(line, request)
        start = at + len(before)
        edges = np.concatenate([[0], np.cumsum(frames) * voice.hop])
        samples, edges = self.pauses.within(
            audio.samples, edges, line.spelled, audio.rate, request.speed
        )
        timing = Timing.of(start, len(samples), line.spelled, edges)
        segment = caption(line, number, timing, audio.rate)
        samples = np.concatenate([before, faded(samples, audio.rate)])
        return Utterance(samples, segment, line, timing)

    def _pause(self, line: Line, request: Request) -> np.ndarray:
        if line.before is None:
            return np.zeros(0, np.float32)
        return self.pauses.between(line.before, request.voice.rate, request.speed)


def _options(request: Request) -> SpeakOptions:
    seed = SEED if request.seed is None else request.seed
    return SpeakOptions(length_scale=1.0 / request.speed, seed=seed)


def faded(samples: np.ndarray, rate: int) -> np.ndarray:
    """Sound that comes from silence and goes there within FADE: an edge would click."""
    length = min(int(FADE * rate), len(samples) // 2)
    rise = np.sin(np.linspace(0, np.pi / 2, length, dtype=np.float32)) ** 2
    samples = samples.copy()
    samples[:length] *= rise
    samples[len(samples) - length :] *= rise[::-1]
    return samples


def load_speech_models(settings: Settings) -> Speaker:
    """Voices, engine and sound rules, warmed up. Raises when not one voice can speak."""
    return load_speaker(load_voices(settings), load_reader(settings), settings)


def load_reader(settings: Settings) -> Reader:
    """The reader, as the operator wants emoji said."""
    if settings.emoji not in get_args(Emoji):
        raise ValueError(
            f"MOKSORI_EMOJI={settings.emoji!r} is none of {', '.join(get_args(Emoji))}"
        )
    return Reader(emoji=settings.emoji)  # type: ignore[arg-type]


def load_speaker(voices: Voices, reader: Reader, settings: Settings) -> Speaker:
    """These voices, warmed up. Raises when not one of them can speak."""
    speaker = Speaker(voices, load(voices, settings), reader, Pauses.from_settings(settings))
    well = next(voice for voice in voices if voice.member not in speaker.engine.broken)
    for _ in speaker.say([WARM_UP], Request(well)):
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
