"""Engine `whisper`: faster-whisper on CUDA or CPU."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.vad import VadOptions, collect_chunks, get_speech_timestamps

from speech.languages import UNKNOWN
from speech.manifest import is_bucket
from speech.settings import Settings
from speech.transcript import Segment, Word
from worker.engines import Detected, TranscribeOptions
from worker.whisper_weights import resolve

RATE = 16_000  # Hz
FALLBACK = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]  # faster-whisper's own temperatures
log = logging.getLogger(__name__)


class Whisper:
    """A loaded Whisper model."""

    def __init__(self, model: WhisperModel, name: str, device: str, compute_type: str) -> None:
        self.model, self.name, self.device, self.compute_type = model, name, device, compute_type
        self.version = ""  # of weights from a bucket
        self.refused: dict[str, Exception] = {}  # by version: newer weights that do not load
        self.held: Any = None  # what keeps them in the cache

    @classmethod
    def load(cls, settings: Settings) -> "Whisper":
        """The model that settings.whisper_model names, on the device they name, warmed up.

        With device `auto`, a GPU that CTranslate2 sees but cannot use (a library is missing) is passed over
        with a warning. Raises what worker/whisper_weights.py raises.
        """
        if is_bucket(settings.whisper_model):
            from worker.whisper_fetched import load_fetched  # Google's client is slow to import

            return load_fetched(settings)
        return cls.from_folder(resolve(settings.whisper_model, settings), settings)

    @classmethod
    def from_folder(cls, path: Path, settings: Settings) -> "Whisper":
        """The model in a folder, on the first device of the settings that it runs on."""
        folder = str(path)
        choices = devices(settings)
        for device, compute_type in choices[:-1]:
            try:
                return cls._load(folder, device, compute_type, settings)
            except (RuntimeError, ValueError) as error:
                log.warning("Whisper does not run on %s (%s); trying the CPU", device, error)
        return cls._load(folder, *choices[-1], settings)

    @classmethod
    def _load(cls, folder: str, device: str, compute_type: str, settings: Settings) -> "Whisper":
        model = WhisperModel(
            folder, device=device, compute_type=compute_type, cpu_threads=threads(settings, device)
        )
        engine = cls(model, settings.whisper_model, device, compute_type)
        engine.warm_up()
        return engine

    def warm_up(self) -> None:
        """One decode of a second of noise, so that the first job does not pay for allocations."""
        noise = np.random.default_rng(0).normal(0, 0.05, RATE).astype(np.float32)
        options = TranscribeOptions(language="en", vad_filter=False, temperature=0.0, beam_size=1)
        for _ in self.transcribe(noise, options)[1]:
            pass

    def detect(self, samples: np.ndarray, vad_filter: bool = True) -> Detected:
        """The language of the first 30 s of speech; "und" where there is none."""
        if vad_filter:
            samples = speech_only(samples, 30 * RATE)
        if not len(samples):
            return Detected(UNKNOWN, 0.0)
        language, probability, _ = self.model.detect_language(audio=samples)
        return Detected(language, float(probability))

    def transcribe(
        self, samples: np.ndarray, options: TranscribeOptions
    ) -> tuple[Detected, Iterator[Segment]]:
        """Segments of `samples` (float32 in [-1, 1], 16 kHz); the decoding is done as they are asked for."""
        segments, info = self.model.transcribe(
            samples,
            language=options.language,
            task=options.task,
            initial_prompt=options.prompt or None,
            temperature=options.temperature or FALLBACK,
            word_timestamps=options.word_timestamps,
            beam_size=options.beam_size,
            vad_filter=options.vad_filter,
            hotwords=options.hotwords or None,
        )
        if options.vad_filter and not info.duration_after_vad:
            return Detected(options.language or UNKNOWN, 0.0), iter(())
        found = Detected(info.language, float(info.language_probability))
        return found, map(_segment, segments)

    def describe(self) -> dict[str, Any]:
        """What runs here."""
        told = {
            "name": "whisper",
            "model": self.name,
            "device": self.device,
            "compute_type": self.compute_type,
        }
        return told | ({"model_version": self.version[:12]} if self.version else {})


def devices(settings: Settings) -> list[tuple[str, str]]:
    """Devices to try in order, each with its compute type; the last one must do."""
    wanted = settings.whisper_device
    if wanted == "auto":
        both = ["cuda", "cpu"] if ctranslate2.get_cuda_device_count() else ["cpu"]
    else:
        both = [wanted]
    return [(device, _compute_type(settings.whisper_compute_type, device)) for device in both]


def choose_device(settings: Settings) -> tuple[str, str]:
    """The device that is tried first, and its compute type."""
    return devices(settings)[0]


def _compute_type(wanted: str, device: str) -> str:
    if wanted != "auto":
        return wanted
    return "float16" if device == "cuda" else "int8"


def threads(settings: Settings, device: str) -> int:
    """CPU threads: as set, else every core this process may use (CTranslate2 itself stops at 4)."""
    if settings.whisper_threads or device != "cpu":
        return settings.whisper_threads
    return len(os.sched_getaffinity(0))


def speech_only(samples: np.ndarray, most: int) -> np.ndarray:
    """The first `most` samples of `samples` that are speech."""
    speech = get_speech_timestamps(samples, VadOptions())
    if not speech:
        return np.zeros(0, np.float32)
    chunks, _ = collect_chunks(samples, speech)
    return np.concatenate(chunks)[:most]


def _segment(segment: Any) -> Segment:
    """faster-whisper's segment as ours; its ids start at 1, OpenAI's at 0."""
    return Segment(
        id=segment.id - 1,
        start=float(segment.start),
        end=float(segment.end),
        text=segment.text,
        tokens=tuple(segment.tokens),
        temperature=float(segment.temperature or 0.0),
        avg_logprob=float(segment.avg_logprob),
        compression_ratio=float(segment.compression_ratio),
        no_speech_prob=float(segment.no_speech_prob),
        words=tuple(
            Word(word.word, float(word.start), float(word.end), float(word.probability))
            for word in segment.words or ()
        ),
    )
