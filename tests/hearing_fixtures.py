"""A transcription engine that hears tones, quickly: each stretch of sound is a segment that tells its pitch."""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from speech.jobs import NewJob
from speech.storage import open_storage
from speech.transcript import Segment, Word
from tests.media_fixtures import wav
from worker.engines import Detected, Span, TranscribeOptions
from worker.run import Runner

RATE = 16_000
FRAME = RATE // 50


class ToneEngine:
    """Through the same door as Whisper; keeps what it was asked."""

    def __init__(self, language: str = "ko") -> None:
        self.language = language
        self.asked: list[TranscribeOptions] = []
        self.detections = 0
        self.decoded = 0  # segments taken from the iterators

    def speech(self, samples: np.ndarray, options: TranscribeOptions) -> list[Span]:
        return [(round(start * RATE), round(end * RATE)) for start, end in stretches(samples)]

    def detect(
        self, samples: np.ndarray, options: TranscribeOptions, speech: Sequence[Span]
    ) -> Detected:
        self.detections += 1
        return Detected(self.language, 0.75) if np.abs(samples).max() > 0.01 else Detected("und", 0)

    def transcribe(
        self, samples: np.ndarray, options: TranscribeOptions, speech: Sequence[Span]
    ) -> tuple[Detected, Iterator[Segment]]:
        self.asked.append(options)
        spans = list(stretches(samples))
        if not spans:
            return Detected(options.language or "und", 0.0), iter(())
        return Detected(options.language or self.language, 1.0), self._segments(samples, spans)

    def _segments(self, samples: np.ndarray, spans: list[tuple[float, float]]) -> Iterator[Segment]:
        for number, (start, end) in enumerate(spans):
            self.decoded += 1
            text = f" {pitch(samples[round(start * RATE) : round(end * RATE)])}"
            yield Segment(number, start, end, text, words=(Word(text, start, end, 0.5),))

    def describe(self) -> dict[str, str]:
        return {"name": "tones", "model": "none"}


def stretches(samples: np.ndarray) -> Iterator[tuple[float, float]]:
    """Start and end in seconds of every stretch of sound."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    loud = np.concatenate([[0], (np.abs(frames).max(1) > 0.01).astype(int), [0]])
    edges = np.flatnonzero(np.diff(loud)) * FRAME / RATE
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def pitch(samples: np.ndarray) -> int:
    """The loudest tone, rounded to 100 Hz."""
    peak = np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples)
    return round(peak / 100) * 100


def melody(pitches: list[int], seconds: float = 1.0, pause: float = 0.5) -> np.ndarray:
    """Tones with pauses between them: int16 at 16 kHz."""
    time = np.arange(round(seconds * RATE)) / RATE
    silence = np.zeros(round(pause * RATE), np.int16)
    tones = [(9000 * np.sin(2 * np.pi * hz * time)).astype(np.int16) for hz in pitches]
    return np.concatenate([piece for tone in tones for piece in (tone, silence)])


class Hearing:
    """A runner of the transcription lane, with an engine that hears tones, over any storage."""

    def __init__(self, store, settings):
        self.store, self.storage = store, open_storage(settings)
        self.engine = ToneEngine()
        models = {"transcription": self.engine}
        self.runner = Runner(store, self.storage, settings, models, "host/boot/transcription-1")

    def job(self, request=None, **fields):
        new = NewJob("transcription", "transcription", request or {}, **fields)
        job, _ = self.store.create(new)
        self.run()
        return self.store.get(job.id, "default")

    def run(self):
        while self.runner.run_next("transcription"):
            pass

    def put(self, path, key="inputs/a"):
        key = f"t/default/{key}-{time.monotonic_ns()}"
        self.storage.put(key, path, "application/octet-stream", owner="test")
        return {"key": key, "name": path.name}

    def is_well(self, tmp_path):
        job = self.job(input=self.put(wav(tmp_path / "well", melody([300, 500]))))
        return (job.state, (job.result or {}).get("text")) == ("succeeded", "300 500")
