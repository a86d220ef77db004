"""WAV files without FFmpeg: what the header promises, which FFmpeg does not say, and samples that need no decoding."""

import struct
import wave
from pathlib import Path

_UNKNOWN = {0, 0xFFFFFFFF, 0x7FFFFFFF}  # what a recorder writes that does not know the length yet


def missing_seconds(path: Path) -> float:
    """Seconds of sound that a WAV's header promises beyond the file's end; 0 for anything else."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return 0.0
        rate = 0  # bytes a second
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            if name == b"data":
                over = file.tell() + length - size
                return over / rate if rate and over > 0 and length not in _UNKNOWN else 0.0
            if name == b"fmt ":
                rate = struct.unpack("<8xI", file.read(12).ljust(12, b"\0"))[0]
                length -= 12
            file.seek(length + length % 2, 1)
    return 0.0


def copied(source: Path, target: Path, rate: int) -> int:
    """Write the samples of a WAV of ours into `target`, one channel of 16 bits at `rate` in Hz; how many there were.

    0 for any other file, and for one that breaks off.
    """
    try:
        with wave.open(str(source), "rb") as file, target.open("wb") as raw:
            kind = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if kind != (1, 2, rate):
                return 0
            while data := file.readframes(60 * rate):
                raw.write(data)
            return file.getnframes() if raw.tell() == 2 * file.getnframes() else 0
    except (wave.Error, EOFError):
        return 0
