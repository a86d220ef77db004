"""A spoken text on its way into files: audio as it comes, captions at the end."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from speech.encode import CHUNK, FORMATS, NO_TAGS, Encoder, Sink, Tags, find_format
from speech.errors import InvalidRequest
from speech.loudness import Limiter, Meter
from speech.subtitles import CONTENT_TYPES, WRITERS, json_pieces
from speech.transcript import Segment, Transcript
from worker.attempt import NewArtifact

CAPTIONS = ("json", "srt", "vtt")


@dataclass(frozen=True)
class Finish:
    """How the files are to be: `rate` in Hz (None: the format's own), `loudness` in LUFS (None: as it comes)."""

    rate: int | None = None
    loudness: float | None = None
    tags: Tags = NO_TAGS


AS_IT_COMES = Finish()


class Recording:
    """Collects one recording's samples and segments; memory holds the segments, never the sound.

    Loudness is that of the whole, so what is added waits in a file until the end. A stream cannot wait: its first
    sentence decides for all. What would clip then is limited.
    """

    def __init__(
        self, folder: Path, formats: Iterable[str], rate: int, finish: Finish = AS_IT_COMES,
        live: str | None = None,
    ) -> None:  # fmt: skip
        """`live` is the format that is streamed as well: see `take`."""
        self.folder = folder
        self.rate = rate
        self.formats = tuple(formats)
        self.segments: list[Segment] = []
        self._count = 0
        self._loudness = finish.loudness
        self._meter, self._limiter = Meter(rate), Limiter(rate)
        self._gain: float | None = None  # of a stream, once its first sentence is known
        self._ended = False  # the limiter has given all it had
        self._sink = Sink()
        self._live = (
            FORMATS[live].open(self._sink, rate, finish.rate, finish.tags) if live else None
        )
        waits = finish.loudness is not None and not live
        self._waiting = (folder / "waiting.f32").open("w+b") if waits else None
        self._encoders: list[Encoder] = [
            FORMATS[name].open(self._path(name), rate, finish.rate, finish.tags)
            for name in self.formats
            if name in FORMATS
        ]

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *_: object) -> None:
        """Close what finish() has not: the files of an attempt that failed are not kept."""
        closing = [encoder.close for encoder in self._encoders]
        for close in (*closing, *([self._waiting.close] if self._waiting else [])):
            with contextlib.suppress(Exception):
                close()

    @property
    def duration(self) -> float:
        """Seconds so far."""
        return self._count / self.rate

    def add(self, samples: np.ndarray) -> None:
        """The next sound."""
        self._count += len(samples)
        if self._waiting:
            self._meter.add(samples)
            self._waiting.write(samples.astype(np.float32).tobytes())
        elif self._loudness is None:
            self._write(samples)
        elif len(samples):
            self._write(self._leveled(samples))

    @property
    def samples(self) -> int:
        """Samples so far."""
        return self._count

    def pass_over(self, samples: int) -> None:
        """Sound that is in files already, of which only captions are wanted."""
        self._count += samples

    def take(self, last: bool) -> bytes:
        """What the stream has grown by; `last` ends it."""
        if last and self._live:
            self._end_limiter()
            self._live.close()
            self._live = None
        return self._sink.take()

    def _leveled(self, samples: np.ndarray) -> np.ndarray:
        if self._gain is None:
            assert self._loudness is not None
            self._meter.add(samples)
            self._gain = self._meter.gain(self._loudness)
        return self._limiter.limited(samples * np.float32(self._gain))

    def _end_limiter(self) -> None:
        """The last moment of what was limited."""
        if self._loudness is not None and not self._ended:
            self._ended = True
            self._write(self._limiter.rest())

    def _write(self, samples: np.ndarray) -> None:
        for encoder in (*self._encoders, *([self._live] if self._live else [])):
            encoder.write(samples)

    def _write_waiting(self) -> None:
        """What has waited for its loudness, piece by piece."""
        if self._waiting is None or self._loudness is None:
            return
        gain = np.float32(self._meter.gain(self._loudness))
        self._waiting.seek(0)
        while data := self._waiting.read(4 * CHUNK):
            self._write(self._limiter.limited(np.frombuffer(data, np.float32) * gain))

    def caption(self, segment: Segment, shift: float = 0.0) -> None:
        """The next sentence, its times moved by `shift` seconds."""
        self.segments.append(shifted(segment, shift, len(self.segments)))

    def finish(self, text: str, language: str, engine: dict[str, Any]) -> list[NewArtifact]:
        """Close every file; the artifacts in the order asked for."""
        self._write_waiting()
        self._end_limiter()
        while self._encoders:
            self._encoders.pop().close()
        transcript = Transcript(
            text, language, 1.0, self.duration, tuple(self.segments), task="speak", engine=engine
        )
        for name in self.formats:
            if name in CAPTIONS:
                # A long text's words as one string, and once more as bytes, would be most of what memory holds.
                pieces = json_pieces(transcript) if name == "json" else [WRITERS[name](transcript)]
                with self._path(name).open("w", encoding="utf-8") as file:
                    file.writelines(pieces)
        return [
            NewArtifact(f"speech.{name}", self._path(name), _content_type(name))
            for name in self.formats
        ]

    def _path(self, name: str) -> Path:
        return self.folder / f"speech.{name}"


def asked_formats(request: dict[str, Any]) -> tuple[str, ...]:
    """The files that a request asks for: `formats`, with the audio in `response_format` first.

    Raises InvalidRequest("unknown_audio_format").
    """
    audio = request.get("response_format") or "wav"
    find_format(audio)
    names = [str(name).removeprefix("speech.") for name in request.get("formats") or ("json",)]
    for name in names:
        if name not in FORMATS and name not in CAPTIONS:
            known = [*FORMATS, *CAPTIONS]
            raise InvalidRequest("unknown_audio_format", param="formats", given=name, known=known)
    sounding = any(name in FORMATS for name in names)
    return tuple(dict.fromkeys(names if sounding else [audio, *names]))


def shifted(segment: Segment, shift: float, number: int) -> Segment:
    """The segment, later by `shift` seconds, under another number."""
    words = tuple(
        replace(word, start=word.start + shift, end=word.end + shift) for word in segment.words
    )
    return replace(
        segment, id=number, start=segment.start + shift, end=segment.end + shift, words=words
    )


def _content_type(name: str) -> str:
    return FORMATS[name].content_type if name in FORMATS else CONTENT_TYPES[name]
