"""Sound into files: WAV, MP3, FLAC, Opus, AAC and raw PCM, written as it comes."""

import struct
import wave
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
import soxr

from speech.errors import InvalidRequest
from speech.sound_types import OPUS_RATE, SOUND_TYPES

PCM_RATE = (
    24_000  # what OpenAI's `pcm` is: signed 16 bits, little end first, one channel, no header
)
CHUNK = 65_536  # samples
INFO = {"title": b"INAM", "artist": b"IART", "copyright": b"ICOP", "comment": b"ICMT"}
UNKNOWN_BYTES = 0xFFFFFFFF  # what a WAV's header says that was begun before its end was known


class Encoder(Protocol):
    """Writes one file; `samples` is float32 in [-1, 1], shape (n,); a WAV or FLAC takes int16 at its own rate, too."""

    def write(self, samples: np.ndarray) -> None:
        """The next samples."""

    def close(self) -> None:
        """Finish the file; without it the file is no good."""


class Sink:
    """Takes what is written, to be taken away as it comes; encoders see that they cannot go back in it."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        """Take bytes."""
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        """All that was written since the last time."""
        taken, self._bytes = bytes(self._bytes), bytearray()
        return taken


Target = Path | Sink


@dataclass(frozen=True)
class Tags:
    """What a file says of itself, where its format has a place for that; empty ones are left out."""

    title: str = ""
    artist: str = ""  # who speaks
    copyright: str = ""
    comment: str = ""  # the voice's version

    def items(self) -> list[tuple[str, str]]:
        """The names that FFmpeg gives them, with what they say."""
        return [(name, said) for name, said in asdict(self).items() if said]


NO_TAGS = Tags()


@dataclass(frozen=True)
class AudioFormat:
    """A kind of audio that we write, into a file or as a stream."""

    extension: str
    content_type: str
    make: Callable[[Target, int, Tags], Encoder]  # at that rate in Hz, whatever `rate` says
    rate: int | None = None  # Hz where nothing else is asked for; None: that of the sound

    def open(
        self, target: Target, rate: int, wanted: int | None = None, tags: Tags = NO_TAGS
    ) -> Encoder:
        """An encoder of sound at `rate` into a file at `wanted`, the format's own rate by default."""
        own = wanted or self.rate or rate
        made = self.make(target, own, tags)
        return made if own == rate else Resampled(made, rate, own)


def find_format(name: Any, param: str = "response_format") -> AudioFormat:
    """The format called `name`. Raises InvalidRequest("unknown_audio_format")."""
    if isinstance(name, str) and name in FORMATS:
        return FORMATS[name]
    raise InvalidRequest(
        "unknown_audio_format", param=param, given=str(name)[:40], known=list(FORMATS)
    )


def encode(chunks: Iterable[np.ndarray], rate: int, name: str, path: Path) -> None:
    """Write a whole file from pieces of sound; memory holds one piece at a time."""
    encoder = find_format(name).open(path, rate)
    for samples in chunks:
        encoder.write(samples)
    encoder.close()


def read_wav(path: Path, rate: int | None = None) -> Iterator[np.ndarray]:
    """The samples of a WAV that WavEncoder wrote, float32, in pieces; at `rate` where it has another."""
    with wave.open(str(path), "rb") as file:
        resample = _resampler(file.getframerate(), rate or file.getframerate())
        while data := file.readframes(CHUNK):
            yield resample(np.frombuffer(data, "<i2").astype(np.float32) / 32768.0, False)
        yield resample(np.zeros(0, np.float32), True)


class Resampled:
    """An encoder that is given sound at another rate than its own."""

    def __init__(self, encoder: Encoder, rate: int, own: int) -> None:
        self._encoder = encoder
        self._resample = _resampler(rate, own)

    def write(self, samples: np.ndarray) -> None:
        """See Encoder."""
        self._encoder.write(self._resample(samples, False))

    def close(self) -> None:
        """See Encoder."""
        self._encoder.write(self._resample(np.zeros(0, np.float32), True))
        self._encoder.close()


class WavEncoder:
    """16-bit WAV. A file's header tells its true size once it is closed, a stream's the largest there is."""

    def __init__(self, target: Target, rate: int, tags: Tags) -> None:
        self._file = target.open("wb") if isinstance(target, Path) else target
        self._rate, self._tags, self._bytes = rate, _info(tags), 0
        self._file.write(self._head(UNKNOWN_BYTES))

    def write(self, samples: np.ndarray) -> None:
        """See Encoder."""
        self._bytes += self._file.write(_s16(samples).tobytes())

    def close(self) -> None:
        """See Encoder."""
        if not isinstance(self._file, Sink):
            self._file.seek(0)
            self._file.write(self._head(self._bytes))
            self._file.close()

    def _head(self, size: int) -> bytes:
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, self._rate, self._rate * 2, 2, 16)
        whole = min(UNKNOWN_BYTES, 4 + len(form) + len(self._tags) + 8 + size)
        riff = struct.pack("<4sI4s", b"RIFF", whole, b"WAVE")
        return riff + form + self._tags + struct.pack("<4sI", b"data", size)


class PcmEncoder:
    """Raw samples."""

    def __init__(self, target: Target, rate: int, tags: Tags) -> None:
        self._file = target.open("wb") if isinstance(target, Path) else target

    def write(self, samples: np.ndarray) -> None:
        """See Encoder."""
        self._file.write(_s16(samples).tobytes())

    def close(self) -> None:
        """See Encoder."""
        if not isinstance(self._file, Sink):
            self._file.close()


class AvEncoder:
    """A compressed file by FFmpeg's libraries; the same samples give the same bytes."""

    def __init__(
        self, target: Target, rate: int, tags: Tags, container: str, codec: str, kind: str
    ) -> None:
        # Without bitexact an Ogg stream gets a random serial number; without flush_packets a stream waits for 32 KiB.
        file = str(target) if isinstance(target, Path) else target
        options = {"fflags": "+bitexact+flush_packets"}
        if container == "ogg" and isinstance(target, Sink):
            options["page_duration"] = "100000"  # microseconds; the first word waits for a page
        self._container = av.open(file, "w", format=container, options=options)
        self._container.metadata.update(tags.items())
        self._stream: Any = self._container.add_stream(codec, rate=rate, layout="mono")
        if codec != "flac":
            self._stream.bit_rate = 64_000
        self._kind = kind
        self._rate = rate
        self._at = 0

    def write(self, samples: np.ndarray) -> None:
        """See Encoder."""
        if not len(samples):
            return
        data = _s16(samples) if self._kind.startswith("s16") else samples.astype(np.float32)
        frame = av.AudioFrame.from_ndarray(data[None], format=self._kind, layout="mono")
        frame.sample_rate = self._rate
        frame.pts = self._at
        self._at += len(samples)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """See Encoder."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def _info(tags: Tags) -> bytes:
    """A LIST chunk of kind INFO (Multimedia Programming Interface and Data Specifications 1.0, page 2-14)."""
    chunks = b"".join(_chunk(INFO[name], said.encode() + b"\0") for name, said in tags.items())
    return _chunk(b"LIST", b"INFO" + chunks) if chunks else b""


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", name, len(data)) + data + b"\0" * (len(data) % 2)


def _av(container: str, codec: str, kind: str) -> Callable[[Target, int, Tags], Encoder]:
    return lambda target, rate, tags: AvEncoder(target, rate, tags, container, codec, kind)


def _resampler(rate: int, target: int) -> Callable[[np.ndarray, bool], np.ndarray]:
    """(samples, last) -> samples at the target rate."""
    if rate == target:
        return lambda samples, _: samples
    stream = soxr.ResampleStream(rate, target, 1, dtype="float32")
    return lambda samples, last: stream.resample_chunk(samples.astype(np.float32), last=last)


def _s16(samples: np.ndarray) -> np.ndarray:
    if samples.dtype == np.int16:
        return samples.astype("<i2", copy=False)
    return np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2")


FORMATS: dict[str, AudioFormat] = {
    "mp3": AudioFormat("mp3", SOUND_TYPES["mp3"], _av("mp3", "libmp3lame", "fltp")),
    "opus": AudioFormat("opus", SOUND_TYPES["opus"], _av("ogg", "libopus", "flt"), OPUS_RATE),
    "aac": AudioFormat("aac", SOUND_TYPES["aac"], _av("adts", "aac", "fltp")),
    "flac": AudioFormat("flac", SOUND_TYPES["flac"], _av("flac", "flac", "s16")),
    "wav": AudioFormat("wav", SOUND_TYPES["wav"], WavEncoder),
    "pcm": AudioFormat("pcm", SOUND_TYPES["pcm"], PcmEncoder, PCM_RATE),
}
