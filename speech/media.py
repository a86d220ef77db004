"""Any sound or video file as 16 kHz mono samples, decoded in a confined process of its own."""

import json
import logging
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from speech.errors import BadMedia, Internal, SpeechError, TooLarge
from speech.settings import Settings
from speech.wav import missing_seconds

RATE = 16_000  # Hz of everything that is decoded here
_CHILD = Path(__file__).with_name("media_child.py")
_PLAYLIST = re.compile(
    rb"\s*(#EXTM3U|ffconcat\s|\[playlist\]|\[Reference\]|RTSPtext|<asx|<smil|(<\?xml[^>]*>\s*)?<(MPD|playlist)\b"
    rb"|v=0\r?\n|file\s+\S+)",
    re.IGNORECASE,
)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MediaLimits:
    """What decoding one file may cost."""

    max_seconds: float = 14_400.0  # of decoded sound
    timeout: float = 600.0  # seconds, by the wall and by the CPU's clock
    memory_bytes: int = 2_147_483_648  # address space

    @classmethod
    def from_settings(cls, settings: Settings) -> "MediaLimits":
        """The limits that an operator set."""
        return cls(max_seconds=settings.audio_max_seconds, timeout=settings.decode_timeout)


@dataclass(frozen=True)
class Choice:
    """Which of a file's sound is wanted."""

    track: int = 0  # among its sound tracks, from 0
    channel: int | None = None  # from 0; None: all mixed to one


@dataclass(frozen=True)
class Decoded:
    """What was in a file; its samples are at `path`: mono, 16 kHz, signed 16 bit in the machine's order."""

    path: Path
    samples: int
    container: str  # FFmpeg's name, "mov,mp4,m4a,3gp,3g2,mj2"
    codec: str
    source_rate: int  # Hz
    channels: int
    tracks: int  # of sound, in the file
    memory_bytes: int  # the decoder's peak
    warnings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def duration(self) -> float:
        """Seconds of decoded sound."""
        return self.samples / RATE


def decode(
    source: Path,
    target: Path,
    limits: MediaLimits,
    check: Callable[[], None] = lambda: None,
    param: str = "file",
    choice: Choice = Choice(),
) -> Decoded:
    """Decode one sound track of `source` into `target`; `check` is called 4 times a second.

    A file that breaks off is decoded as far as it goes, with a warning. Raises BadMedia (media_empty,
    media_playlist, media_no_audio, media_no_track, media_no_channel, media_encrypted, media_unreadable, media_timeout),
    TooLarge (audio_too_long), and what `check` raises.
    """
    if not source.stat().st_size:
        raise BadMedia("media_empty", param=param)
    answer = _run(source, target, limits, check, param, choice)
    if "error" in answer:
        raise _error(answer, source, limits, param)
    done = answer["done"]
    if not done["samples"]:
        raise BadMedia("media_empty", param=param)
    return Decoded(
        path=target,
        samples=done["samples"],
        container=done["container"],
        codec=done["codec"],
        source_rate=done["source_rate"],
        channels=done["channels"],
        tracks=done["tracks"],
        memory_bytes=answer["memory_bytes"],
        warnings=_warnings(done, source),
    )


def samples(path: Path, start: int = 0, end: int | None = None) -> np.ndarray:
    """Decoded samples [start, end) of the file at `path` as float32 in [-1, 1]; only they are in memory."""
    return np.multiply(pcm(path, start, end), np.float32(1 / 32768), dtype=np.float32)


def pcm(path: Path, start: int = 0, end: int | None = None) -> np.ndarray:
    """The same samples as they are, int16, read as they are used."""
    if not path.stat().st_size:
        return np.zeros(0, np.int16)
    return np.memmap(path, np.int16, "r")[start:end]


def _run(
    source: Path, target: Path, limits: MediaLimits, check: Callable[[], None], param: str,
    choice: Choice,
) -> dict[str, Any]:  # fmt: skip
    with tempfile.TemporaryFile() as stderr:
        child = _start(source, target, limits, choice, stderr)
        try:
            last = _last_line(child, limits.timeout, check)
            code = child.wait(5)
        except TimeoutError:
            raise BadMedia("media_timeout", param=param, seconds=round(limits.timeout)) from None
        finally:
            child.kill()
            child.wait()
            child.stdout.close()  # type: ignore[union-attr]
        if code == -signal.SIGXCPU:
            raise BadMedia("media_timeout", param=param, seconds=round(limits.timeout))
        if code < 0:
            return {"error": "media_unreadable"}  # the decoder fell over this file
        if code > 0:
            stderr.seek(0)
            log.error("the decoder did not run: %s", stderr.read(4000).decode(errors="replace"))
            raise Internal("internal")
        answer: dict[str, Any] = json.loads(last)
        return answer


def _start(
    source: Path, target: Path, limits: MediaLimits, choice: Choice, stderr: IO[bytes]
) -> subprocess.Popen[bytes]:
    most = round(limits.max_seconds * RATE)
    channel = -1 if choice.channel is None else choice.channel
    numbers = (most, max(1, round(limits.timeout)), limits.memory_bytes, choice.track, channel)
    return subprocess.Popen(
        [sys.executable, "-I", _CHILD, source.absolute(), target.absolute(), *map(str, numbers)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={},
        cwd="/",
    )


def _last_line(child: subprocess.Popen[bytes], timeout: float, check: Callable[[], None]) -> bytes:
    """The child's last line, read as it comes. Raises TimeoutError."""
    last = b""
    for line in _lines(child, time.monotonic() + timeout, check):
        last = line
    return last


def _lines(
    child: subprocess.Popen[bytes], deadline: float, check: Callable[[], None]
) -> Iterator[bytes]:
    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            check()
            if time.monotonic() > deadline:
                raise TimeoutError
            if selector.select(0.25):
                line = child.stdout.readline()  # the child flushes whole lines
                if not line:
                    return
                yield line


def _error(answer: dict[str, Any], source: Path, limits: MediaLimits, param: str) -> SpeechError:
    code = answer["error"]
    if code == "audio_too_long":
        minutes = f"{limits.max_seconds / 60:g}"
        return TooLarge(code, param=param, minutes=minutes, memory_bytes=answer["memory_bytes"])
    if code == "media_unreadable":
        with source.open("rb") as file:
            if _PLAYLIST.match(file.read(4096)):
                return BadMedia("media_playlist", param=param)
    if code in {"media_no_track", "media_no_channel"}:
        param = code.removeprefix("media_no_")
    return BadMedia(code, param=param, **answer.get("fields", {}))


def _warnings(done: dict[str, Any], source: Path) -> list[dict[str, Any]]:
    """What a reader of the transcript should know of a file that was not whole."""
    found: list[dict[str, Any]] = []
    got = done["samples"] / RATE
    missing = missing_seconds(source) or (done["declared"] or 0.0) - got
    if missing > max(1.0, 0.02 * got):
        found.append(
            {"code": "media_truncated", "seconds": round(got, 1), "missing": round(missing, 1)}
        )
    elif done["lost"] > max(1, done["packets"] // 100):
        found.append({"code": "media_damaged", "lost": done["lost"]})
    return found
