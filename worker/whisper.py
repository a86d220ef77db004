"""Engine `whisper`: faster-whisper on CUDA or CPU."""

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel

from speech.errors import Internal
from speech.languages import UNKNOWN
from speech.manifest import is_bucket
from speech.media import RATE
from speech.settings import Settings
from speech.transcript import Segment, Word
from worker.engines import Detected, Span, TranscribeOptions
from worker.heap import give_back, keep_freed
from worker.vad import WINDOW, everything, padded, padding, speech_in
from worker.whisper_weights import again, resolve
from worker.whisper_windows import DRAWN, PROMPT, RISING, TOKENS, WindowDecoder
from worker.windows import windows

# Windows decoded together, at most. On a CPU more are hardly faster, and each takes 37 MB of base; for a GPU it is
# upstream's advice, not measured here.
BATCH = {"cpu": 6, "cuda": 16}
NARROW = 512  # numbers to a frame: base, and what is smaller
FRAMES = 3_000  # of a window
TIDY = 60.0  # seconds of sound after which what is free is given back; for a short clip that would take a while
LISTENS = 4  # windows that are asked for the language, at most
log = logging.getLogger(__name__)


class Whisper:
    """A loaded Whisper model."""

    def __init__(self, model: WhisperModel, name: str, device: str, compute_type: str) -> None:
        self.model, self.name, self.device, self.compute_type = model, name, device, compute_type
        self.version = ""  # of weights from a bucket
        self.refused: dict[str, Exception] = {}  # by version: newer weights that do not load
        self.held: Any = None  # what keeps them in the cache
        self.batch = BATCH[device]
        self.at_once = 1  # batches
        self._heard = 0.0  # seconds, since memory was given back

    @classmethod
    def load(cls, settings: Settings) -> "Whisper":
        """The model that settings.whisper_model names, on the device they name, warmed up.

        With device `auto`, a GPU that CTranslate2 sees but cannot use (a library is missing) is passed over
        with a warning. What does not load on the CPU is fetched again once. Raises Internal("whisper_broken") and
        what worker/whisper_weights.py raises.
        """
        if is_bucket(settings.whisper_model):
            from worker.whisper_fetched import load_fetched  # Google's client is slow to import

            return load_fetched(settings)
        try:
            return cls.from_folder(resolve(settings.whisper_model, settings), settings)
        except (RuntimeError, ValueError) as error:
            if devices(settings)[-1][0] != "cpu":
                raise  # what a GPU does not load may be its fault
            log.warning("Whisper does not load (%s); its files are fetched again", error)
        return cls._fetched_again(settings)

    @classmethod
    def _fetched_again(cls, settings: Settings) -> "Whisper":
        model = settings.whisper_model
        try:
            return cls.from_folder(again(model, settings), settings)
        except (RuntimeError, ValueError) as error:
            raise Internal("whisper_broken", model=model, reason=str(error)) from error

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
        if device == "cpu":
            keep_freed()
        at_once, threads = shares(settings, device)
        model = WhisperModel(
            folder, device=device, compute_type=compute_type, cpu_threads=threads,
            num_workers=at_once,
        )  # fmt: skip
        engine = cls(model, settings.whisper_model, device, compute_type)
        engine.at_once = at_once
        engine.warm_up()
        return engine

    def warm_up(self) -> None:
        """Decode a window of nothing, so that the first job does not pay for allocations; it tells the model's width.

        Of a wide model no more windows are in memory than one batch has: each takes 37 MB of base, but 500 of large.
        """
        encoded = self.model.encode(np.zeros((self.model.model.n_mels, FRAMES), np.float32))
        start = self.model.hf_tokenizer.token_to_id("<|startoftranscript|>")
        self.model.model.generate(encoded, [[start]], beam_size=1, max_length=4)
        if encoded.shape[2] > NARROW:
            self.batch = max(1, self.batch // self.at_once)

    def speech(self, samples: np.ndarray, options: TranscribeOptions) -> list[Span]:
        """Where somebody speaks."""
        return speech_in(samples, options.vad_parameters)

    def detect(
        self, samples: np.ndarray, options: TranscribeOptions, speech: Sequence[Span]
    ) -> Detected:
        """The language of the first 30 s of speech, or of more where that is not sure; "und" where there is none."""
        found = windows(samples, self._spans(samples, options, speech))
        if not found:
            return Detected(UNKNOWN, 0.0)
        if not self.model.model.is_multilingual:
            return Detected("en", 1.0)
        heard: dict[str, float] = {}
        for count, window in enumerate(found[:LISTENS], 1):
            for language, probability in self._languages(window.sound, options.languages):
                heard[language] = heard.get(language, 0.0) + probability
            language = max(heard, key=heard.__getitem__)
            best = Detected(language, heard[language] / count)
            if best.probability >= options.language_detection_threshold:
                break
        return best

    def _languages(self, sound: np.ndarray, allowed: Sequence[str]) -> Iterator[tuple[str, float]]:
        """How likely each allowed language is in a window; together 1."""
        _, _, found = self.model.detect_language(audio=sound)
        among = [(name, float(p)) for name, p in found if not allowed or name in allowed]
        total = sum(p for _, p in among) or 1.0
        return ((name, p / total) for name, p in among)

    def transcribe(
        self, samples: np.ndarray, options: TranscribeOptions, speech: Sequence[Span]
    ) -> tuple[Detected, Iterator[Segment]]:
        """Segments of `samples`; the decoding is done as they are asked for.

        What fits into one window has nothing to be decoded together with, and Whisper's own times make fewer
        errors there: 7.9 against 8.8 % of the characters of 89 short Korean clips.
        """
        spans = self._spans(samples, options, speech)
        if not spans:
            return Detected(options.language or UNKNOWN, 0.0), iter(())
        found = Detected(options.language or UNKNOWN, 1.0)
        if options.language is None:
            found = self.detect(samples, options, speech)
        whole = [(0, len(samples))]
        if options.without_timestamps is None and len(samples) <= WINDOW * RATE:
            made = self._one_by_one(samples, options, found.language, whole)
        elif options.without_timestamps is False:
            made = self._one_by_one(samples, options, found.language, spans)
        else:
            decoder = WindowDecoder(self.model, options, found.language)
            made = decoder.segments(samples, spans, self.batch, self.at_once)
        return found, self._tidily(made, len(samples) / RATE)

    def _tidily(self, segments: Iterator[Segment], seconds: float) -> Iterator[Segment]:
        """The segments; then, now and then, the memory that they took goes back."""
        yield from segments
        self._heard += seconds
        if self._heard >= TIDY:
            self._heard = 0.0
            give_back()

    def _spans(
        self, samples: np.ndarray, options: TranscribeOptions, speech: Sequence[Span]
    ) -> list[Span]:
        if not options.vad_filter:
            return everything(speech, len(samples))
        return padded(speech, len(samples), padding(options.vad_parameters))

    def _one_by_one(
        self, samples: np.ndarray, options: TranscribeOptions, language: str, spans: Sequence[Span]
    ) -> Iterator[Segment]:
        """Window after window, each with the text before it, and with Whisper's own segment times."""
        decoder = WindowDecoder(self.model, options, language)
        segments, _ = self.model.transcribe(
            samples,
            language=language,
            task=options.task,
            initial_prompt=decoder.prompt,
            temperature=options.temperature or [0.0, *RISING],
            best_of=5 if options.temperature else DRAWN,
            word_timestamps=options.word_timestamps,
            beam_size=options.beam_size,
            no_speech_threshold=options.no_speech_threshold,
            max_new_tokens=None if options.hotwords else TOKENS,  # with both the prompt is too long
            clip_timestamps=[edge / RATE for span in spans for edge in span],
            hotwords=decoder.last(options.hotwords, PROMPT // 2),  # the text before needs the rest
        )
        return map(_segment, segments)

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


def shares(settings: Settings, device: str) -> tuple[int, int]:
    """Batches that are decoded at once, and the threads of each: on a CPU they share those of the settings.

    Two batches with a thread each take three quarters of the time of two threads at one batch after the other.
    """
    if device != "cpu":
        return 1, settings.whisper_threads
    total = settings.whisper_threads or len(os.sched_getaffinity(0))
    at_once = max(1, min(total, settings.whisper_at_once))
    return at_once, round(total / at_once)


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
