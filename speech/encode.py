"""Sound into files: WAV, MP3, FLAC, Opus, AAC and raw PCM, written as it comes."""

import struct
import wave
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
import soxr

from speech.errors import InvalidRequest
from speech.sound_types import SOUND_TYPES

PCM_RATE = (
    24_000  # what OpenAI's `pcm` is: signed 16 bits, little end first, one channel, no header
)
OPUS_RATE = 48_000  # what Opus files are at, whatever went in
CHUNK = 65_536  # samples
UNKNOWN_BYTES = 0xFFFFFFFF  # what a WAV's header says that was begun before its end was known


class Encoder(Protocol):
    """Writes one file; `samples` is float32 in [-1, 1], shape (n,)."""

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
class AudioFormat:
    """A kind of audio that we write, into a file or as a stream."""

    extension: str
    content_type: str
    open: Callable[[Target, int], Encoder]  # target, rate in Hz


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


class WavEncoder:
    """16-bit WAV; the sizes in a file's header are true once it is closed."""

    def __init__(self, path: Path, rate: int) -> None:
        self._file = wave.open(str(path), "wb")
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    def write(self, samples: np.ndarray) -> None:
        """See Encoder."""
        self._file.writeframes(_s16(samples).tobytes())

    def close(self) -> None:
        """See Encoder."""
        self._file.close()


class WavStream:
    """16-bit WAV of unknown length: both sizes in its header are the largest there are."""

    def __init__(self, sink: Sink, rate: int) -> None:
        self._sink = sink
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
        size = struct.pack("<I", UNKNOWN_BYTES)
        sink.write(b"RIFF" + size + b"WAVE" + form + b"data" + size)

    def write(self, samples: np.ndarray) -> None:
        """See Encoder."""
        self._sink.write(_s16(samples).tobytes())

    def close(self) -> None:
        """See Encoder."""


class PcmEncoder:
    """Raw samples at PCM_RATE."""

    def __init__(self, target: Target, rate: int) -> None:
        self._file = target.open("wb") if isinstance(target, Path) else target
        self._resample = _resampler(rate, PCM_RATE)

    def write(self, samples: np.ndarray) -> None:
        """See Encoder."""
        self._file.write(_s16(self._resample(samples, False)).tobytes())

    def close(self) -> None:
        """See Encoder."""
        self._file.write(_s16(self._resample(np.zeros(0, np.float32), True)).tobytes())
        if not isinstance(self._file, Sink):
            self._file.close()


class AvEncoder:
    """A compressed file by FFmpeg's libraries; the same samples give the same bytes."""

    def __init__(self, target: Target, rate: int, container: str, codec: str, kind: str) -> None:
        own_rate = OPUS_RATE if codec == "libopus" else rate
        self._resample = _resampler(rate, own_rate)
        # Without bitexact an Ogg stream gets a random serial number; without flush_packets a stream waits for 32 KiB.
        file = str(target) if isinstance(target, Path) else target
        options = {"fflags": "+bitexact+flush_packets"}
        if container == "ogg" and isinstance(target, Sink):
            options["page_duration"] = "100000"  # microseconds; the first word waits for a page
        self._container = av.open(file, "w", format=container, options=options)
        self._stream: Any = self._container.add_stream(codec, rate=own_rate, layout="mono")
        if codec != "flac":
            self._stream.bit_rate = 64_000
        self._kind = kind
        self._rate = own_rate
        self._at = 0

    def write(self, samples: np.ndarray) -> None:
        """See Encoder."""
        self._send(self._resample(samples, False))

    def close(self) -> None:
        """See Encoder."""
        self._send(self._resample(np.zeros(0, np.float32), True))
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def _send(self, samples: np.ndarray) -> None:
        if not len(samples):
            return
        data = _s16(samples) if self._kind.startswith("s16") else samples.astype(np.float32)
        frame = av.AudioFrame.from_ndarray(data[None], format=self._kind, layout="mono")
        frame.sample_rate = self._rate
        frame.pts = self._at
        self._at += len(samples)
        self._container.mux(self._stream.encode(frame))


def _wav(target: Target, rate: int) -> Encoder:
    return WavEncoder(target, rate) if isinstance(target, Path) else WavStream(target, rate)


def _av(container: str, codec: str, kind: str) -> Callable[[Target, int], Encoder]:
    return lambda target, rate: AvEncoder(target, rate, container, codec, kind)


def _resampler(rate: int, target: int) -> Callable[[np.ndarray, bool], np.ndarray]:
    """(samples, last) -> samples at the target rate."""
    if rate == target:
        return lambda samples, _: samples
    stream = soxr.ResampleStream(rate, target, 1, dtype="float32")
    return lambda samples, last: stream.resample_chunk(samples.astype(np.float32), last=last)


def _s16(samples: np.ndarray) -> np.ndarray:
    return np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2")


FORMATS: dict[str, AudioFormat] = {
    "mp3": AudioFormat("mp3", SOUND_TYPES["mp3"], _av("mp3", "libmp3lame", "fltp")),
    "opus": AudioFormat("opus", SOUND_TYPES["opus"], _av("ogg", "libopus", "flt")),
    "aac": AudioFormat("aac", SOUND_TYPES["aac"], _av("adts", "aac", "fltp")),
    "flac": AudioFormat("flac", SOUND_TYPES["flac"], _av("flac", "flac", "s16")),
    "wav": AudioFormat("wav", SOUND_TYPES["wav"], _wav),
    "pcm": AudioFormat("pcm", SOUND_TYPES["pcm"], PcmEncoder),
}
