"""Whisper over many windows at once: speech packed into windows of 30 s, a batch of them decoded together.

Measured against one window after the other with the same beam (bench/hearing.py), it takes a third to a half less
CPU time and makes no more errors. Each window is decoded without Whisper's time tokens and without the text before it;
times come from the alignment of each word, so that nothing is lost between two time tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import (
    TranscriptionOptions,
    get_compression_ratio,
    get_suppressed_tokens,
)
from faster_whisper.vad import SpeechTimestampsMap

from speech.media import RATE
from speech.transcript import Segment, Word
from worker.engines import Span, TranscribeOptions
from worker.threads import in_order
from worker.utterances import utterances
from worker.windows import Window, batched, windows

# Where a window fails (it repeats itself, or is unsure), it is decoded again at these. faster-whisper has five; a
# window that fails at two of them is not mended by more, and takes as long as ten that are sound.
RISING = [0.4, 0.8]
DRAWN = 1  # texts drawn at each of them; faster-whisper's five cost more and are no better (docs/performance.md)
REPEATS = 2.4  # text that compresses better than this repeats itself; OpenAI's threshold
UNSURE = -1.0  # mean log probability of a window's tokens; OpenAI's threshold
PROMPT = 222  # tokens; half of the decoder's memory, the other half is for what it hears
TOKENS = 220  # of one window at most (OpenAI's own limit is 224), and fewer of a short one: a loop ends sooner
_FEWEST, _PER_SECOND = 24, 30
PREPENDED, APPENDED = (
    "\"'“¿([{-",
    "\"'.。,，!！?？:：”)]}、",
)  # faster-whisper's: not words of their own


@dataclass
class Heard:
    """What the decoder made of a window."""

    tokens: list[int]
    avg_logprob: float
    no_speech_prob: float
    temperature: float
    text: str

    @property
    def compression_ratio(self) -> float:
        """How well the text compresses: a loop does."""
        return get_compression_ratio(self.text.strip())

    @property
    def failed(self) -> bool:
        """True when another temperature may do better."""
        return self.compression_ratio > REPEATS or self.avg_logprob < UNSURE


class WindowDecoder:
    """Decodes windows in one language with one set of options."""

    def __init__(self, model: WhisperModel, options: TranscribeOptions, language: str) -> None:
        self.model, self.options = model, options
        multilingual = model.model.is_multilingual
        self.tokenizer = Tokenizer(model.hf_tokenizer, multilingual, options.task, language)
        both = bool(options.prompt and options.hotwords)
        self.prompt = self.last(options.prompt, PROMPT // 2 if both else PROMPT)
        self.hotwords = self.last(options.hotwords, PROMPT // 2 if both else PROMPT)
        # On a CPU as fast as a batch, in an eighth of the memory; but numpy, which joins them, has no bfloat16.
        on_cpu, kind = model.model.device == "cpu", model.model.compute_type
        self.encodes_alone = on_cpu and "float16" not in kind

    def segments(
        self, samples: np.ndarray, spans: Sequence[Span], batch: int, at_once: int = 1
    ) -> Iterator[Segment]:
        """Segments in order of time, from batches of so many windows at most, so many of them decoded at once."""
        chunks = [{"start": start, "end": end} for start, end in spans]
        places = SpeechTimestampsMap(chunks, RATE, time_precision=6)
        cut = batched(windows(samples, spans), batch, at_once, self.options.soon)
        made = in_order(lambda one: self._batch(one, places), cut, at_once)
        for count, segment in enumerate(chain.from_iterable(made)):
            yield replace(segment, id=count)

    def _batch(self, batch: Sequence[Window], places: SpeechTimestampsMap) -> list[Segment]:
        features = [self._features(window) for window in batch]
        alone = [self.model.encode(one) for one in features] if self.encodes_alone else []
        encoded = _joined(alone) if alone else self.model.encode(np.stack(features))
        heard = self._heard(encoded, batch)
        for n, one in enumerate(heard):
            if one.failed and not self._silent(one) and not self.options.temperature:
                again = alone[n] if alone else self.model.encode(features[n])
                heard[n] = self._again(one, again, batch[n])
        words = self._words(encoded, heard, batch)
        return [
            segment
            for window, one, timed in zip(batch, heard, words, strict=True)
            if one.text.strip() and not self._silent(one)
            for segment in self._segments(window, one, timed, places)
        ]

    def last(self, text: str | None, most: int) -> str | None:
        """What the decoder has room for: the end of a long prompt, as OpenAI's API does."""
        tokens = self.tokenizer.encode(f" {text.strip()}") if text and text.strip() else []
        return self.tokenizer.decode(tokens[-most:]) if tokens else None

    def _features(self, window: Window) -> np.ndarray:
        return pad_or_trim(self.model.feature_extractor(window.sound)[..., :-1])

    def _heard(self, encoded: StorageView, batch: Sequence[Window]) -> list[Heard]:
        """What the decoder makes of each window at the first temperature."""
        options = self._decoding([self.options.temperature or 0.0], max(w.duration for w in batch))
        prompt = self._prompt()
        found = self.model.model.generate(
            encoded, [prompt] * len(batch), beam_size=options.beam_size,
            max_length=len(prompt) + (options.max_new_tokens or 0),
            suppress_tokens=options.suppress_tokens, return_scores=True, return_no_speech_prob=True,
            sampling_temperature=options.temperatures[0],
        )  # fmt: skip
        return [self._result(one, options.temperatures[0]) for one in found]

    def _result(self, found: Any, temperature: float) -> Heard:
        tokens = found.sequences_ids[0]
        avg_logprob = found.scores[0] * len(tokens) / (len(tokens) + 1)  # the end counts, too
        text = self.tokenizer.decode(tokens)
        return Heard(tokens, avg_logprob, found.no_speech_prob, temperature, text)

    def _prompt(self) -> list[int]:
        previous = self.tokenizer.encode(self.prompt) if self.prompt else []
        prompt: list[int] = self.model.get_prompt(
            self.tokenizer, previous, True, hotwords=self.hotwords
        )
        return prompt

    def _silent(self, heard: Heard) -> bool:
        """OpenAI's rule: the decoder doubts that anybody speaks, and what it heard."""
        threshold = self.options.no_speech_threshold
        return (
            threshold is not None
            and heard.no_speech_prob > threshold
            and heard.avg_logprob < UNSURE
        )

    def _again(self, first: Heard, encoded: StorageView, window: Window) -> Heard:
        """A window that failed, at rising temperatures; the best of all where each one fails."""
        options = self._decoding(RISING, window.duration)
        found, avg_logprob, temperature, _ = self.model.generate_with_fallback(
            encoded, self._prompt(), self.tokenizer, options
        )
        other = Heard(
            found.sequences_ids[0], avg_logprob, first.no_speech_prob, temperature,
            self.tokenizer.decode(found.sequences_ids[0]),
        )  # fmt: skip
        return max(
            (first, other),
            key=lambda one: (not one.failed, one.compression_ratio <= REPEATS, one.avg_logprob),
        )

    def _words(
        self, encoded: Any, heard: list[Heard], batch: Sequence[Window]
    ) -> list[list[dict[str, Any]]]:
        """The timed words of each window, in seconds from the first window's start, by its frame."""
        told: list[list[dict[str, Any]]] = [
            [
                {
                    "tokens": one.tokens,
                    "seek": window.frame,
                    "words": [],
                    "start": window.frame / 100,
                    "end": window.frame / 100 + window.duration,
                }
            ]
            for one, window in zip(heard, batch, strict=True)
        ]
        if self.options.word_timestamps:
            sizes = [int(np.ceil(window.duration * 100)) for window in batch]
            spoken = batch[0].frame / 100  # up to where it may have been spoken before
            self.model.add_word_timestamps(
                told, self.tokenizer, encoded, sizes, PREPENDED, APPENDED, spoken
            )
        return [one[0]["words"] for one in told]

    def _segments(
        self, window: Window, heard: Heard, timed: list[dict[str, Any]], places: SpeechTimestampsMap
    ) -> Iterator[Segment]:
        words = [_placed(word, window, places) for word in timed]
        end = places.get_original_time(window.offset + window.duration, is_end=True)
        whole = (heard.text, places.get_original_time(window.offset), end, ())
        said = [
            ("".join(word.word for word in one), one[0].start, one[-1].end, one)
            for one in utterances(words)
        ]
        for text, start, end, spoken in said or [whole]:
            yield Segment(
                id=0, start=start, end=end, text=text, words=tuple(spoken),
                tokens=tuple(self.tokenizer.encode(text)), temperature=heard.temperature,
                avg_logprob=float(heard.avg_logprob), no_speech_prob=float(heard.no_speech_prob),
                compression_ratio=float(heard.compression_ratio),
            )  # fmt: skip

    def _decoding(self, temperatures: list[float], seconds: float) -> TranscriptionOptions:
        """faster-whisper's own defaults, but for what was asked."""
        return TranscriptionOptions(
            beam_size=self.options.beam_size, best_of=DRAWN, patience=1, length_penalty=1,
            repetition_penalty=1, no_repeat_ngram_size=0, log_prob_threshold=UNSURE,
            no_speech_threshold=self.options.no_speech_threshold,
            compression_ratio_threshold=REPEATS, condition_on_previous_text=False,
            prompt_reset_on_temperature=0.5, temperatures=temperatures,
            initial_prompt=self.prompt, prefix=None, suppress_blank=True,
            suppress_tokens=get_suppressed_tokens(self.tokenizer, [-1]),
            without_timestamps=True, max_initial_timestamp=0.0,
            word_timestamps=self.options.word_timestamps, prepend_punctuations=PREPENDED,
            append_punctuations=APPENDED, multilingual=False,
            max_new_tokens=min(TOKENS, _FEWEST + round(_PER_SECOND * seconds)),
            clip_timestamps=[], hallucination_silence_threshold=None, hotwords=self.hotwords,
        )  # fmt: skip


def _joined(encoded: list[StorageView]) -> StorageView:
    """Encodings of single windows as that of a batch."""
    return StorageView.from_array(np.concatenate([np.asarray(one) for one in encoded]))


def _placed(word: dict[str, Any], window: Window, places: SpeechTimestampsMap) -> Word:
    """A word with its times in the recording; both are in the span that holds its middle."""
    start, end = word["start"] + window.shift, word["end"] + window.shift
    span = places.get_chunk_index((start + end) / 2)
    start, end = (float(places.get_original_time(time, span)) for time in (start, end))
    return Word(word["word"], start, max(start, end), float(word["probability"]))
