"""What a WAV file's own header says, where FFmpeg believes the file's length instead."""

import struct
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
