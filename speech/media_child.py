"""The decoder's own process: one media file in, 16 kHz mono samples out, and no way to anything else.

Run by speech/media.py as a plain script with an empty environment; it imports nothing of ours. Both
files are open before the limits fall, and after that no file, socket or process can be opened: what a
hostile file makes FFmpeg want to read is refused by the kernel, whatever the two whitelists miss.
Speaks one JSON object a line on stdout: {"samples": n} now and then, at last {"done": …} or {"error": code}.
"""

import ctypes
import importlib
import json
import pkgutil
import re
import resource
import signal
import sys
from typing import Any

import av
from av.audio.fifo import AudioFifo
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

RATE = 16_000
# Containers that hold sound and never name another file to read.
FORMATS = "wav,w64,mp3,flac,ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,aac,amr,asf,aiff,caf,mpegts,mpeg,avi,flv"
TOGETHER = 8_192  # samples that are resampled in one go: each go costs more than a frame's samples
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38


class Refused(Exception):
    """The file cannot be used; holds the error's code, and what its sentence needs."""

    def __init__(self, code: str, **fields: Any) -> None:
        super().__init__(code)
        self.fields = fields


class Sink:
    """The output: mono s16 samples, counted against the limit as they are written.

    `channel` is the one that is kept, from 0; -1 mixes them all.
    """

    def __init__(self, file: Any, limit: int, channel: int) -> None:
        self.file, self.limit, self.samples, self.told = file, limit, 0, 0
        self.channel = channel
        self.resampler: AudioResampler | None = None
        self.waiting = AudioFifo()
        self.shape: tuple[Any, ...] = ()

    def take(self, frame: Any) -> None:
        """Take one decoded frame; a stream may change its rate or layout on the way."""
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self.resampler is None or self.shape != shape:
            self.flush()
            self.resampler, self.waiting = self._resampler(frame.layout), AudioFifo()
            self.shape = shape
        frame.pts = None  # times with gaps make the resampler fail; samples are simply joined
        self.waiting.write(frame)
        if self.waiting.samples >= TOGETHER:
            self._resample(self.resampler)

    def _resample(self, resampler: AudioResampler) -> None:
        frame = self.waiting.read()
        if frame is not None:
            frame.pts = None
            self._write(resampler.resample(frame))

    def _resampler(self, layout: Any) -> AudioResampler:
        if self.channel < 0:
            return AudioResampler(format="s16", layout="mono", rate=RATE)
        if self.channel >= layout.nb_channels:
            raise Refused("media_no_channel", channels=layout.nb_channels)
        return AudioResampler(format="s16p", layout=layout, rate=RATE)

    def flush(self) -> None:
        """Write what still waits, and what the resampler holds."""
        if self.resampler is not None:
            self._resample(self.resampler)
            self._write(self.resampler.resample(None))
            self.resampler = None

    def _write(self, frames: Any) -> None:
        for frame in frames:
            self.samples += frame.samples
            if self.samples > self.limit:
                raise Refused("audio_too_long")
            plane = frame.planes[max(0, self.channel)]
            self.file.write(memoryview(plane)[: frame.samples * 2])
        if self.samples - self.told > RATE * 60:
            self.told = self.samples
            say(samples=self.samples)


def say(**data: Any) -> None:
    """One line to the parent."""
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


def import_all() -> None:
    """Import what PyAV imports when it first meets a kind of stream; afterwards it could not."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if "__main__" not in module.name:
            importlib.import_module(module.name)


def confine(limit: int, cpu: int, memory: int) -> None:
    """Give up every right that decoding does not need; ends with the parent."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))  # SIGXCPU first, which has a name
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, (limit + RATE) * 2),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(what, (most, most))


def decode(source: Any, sink: Sink, track: int) -> dict[str, Any]:
    """Decode the audio stream of this number into `sink`; what was found on the way."""
    options = {"format_whitelist": FORMATS, "protocol_whitelist": ""}
    try:
        container = av.open(source, options=options, metadata_errors="ignore")
    except (FFmpegError, ValueError, EOFError):
        raise Refused("media_unreadable") from None
    if not container.streams.audio:
        raise Refused("media_no_audio")
    if track >= len(container.streams.audio):
        raise Refused("media_no_track", tracks=len(container.streams.audio))
    stream = container.streams.audio[track]
    good, lost = pump(container, stream, sink)
    if not good:
        raise Refused("media_unreadable" if lost else "media_empty")
    if lost > good:
        raise Refused("media_unreadable")
    return {
        "samples": sink.samples,
        "container": container.format.name,
        "codec": stream.codec_context.name,
        "source_rate": stream.codec_context.sample_rate,
        "channels": stream.codec_context.channels,
        "tracks": len(container.streams.audio),
        "declared": declared(container, stream),
        "packets": good,
        "lost": lost,
    }


def pump(container: Any, stream: Any, sink: Sink) -> tuple[int, int]:
    """Packets that decoded and packets that did not; a damaged one costs itself only."""
    good, lost = 0, 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except FFmpegError:
            lost += 1  # the container breaks off here
            break
        if packet.has_sidedata("encryption_info"):
            raise Refused("media_encrypted")
        try:
            frames = packet.decode()
        except FFmpegError:
            lost += 1
            continue
        for frame in frames:
            good += 1
            sink.take(frame)
    sink.flush()
    return good, lost


def declared(container: Any, stream: Any) -> float | None:
    """Seconds of sound that the container says it holds, or None."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def peak(status: Any) -> int:
    """Most bytes of memory used since the start (getrusage would count the parent's, too)."""
    status.seek(0)
    found = re.search(rb"VmHWM:\s*(\d+) kB", status.read(8192))
    return int(found[1]) * 1024 if found else 0


def main(
    source: str, target: str, limit: str, cpu: str, memory: str, track: str, channel: str
) -> None:
    """Decode `source` into `target`: at most `limit` samples, `cpu` seconds, `memory` bytes."""
    import_all()
    with (
        open(source, "rb") as media,
        open(target, "wb") as file,
        open("/proc/self/status", "rb", buffering=0) as status,
    ):
        confine(int(limit), int(cpu), int(memory))
        try:
            found = decode(media, Sink(file, int(limit), int(channel)), int(track))
            file.flush()
            answer: dict[str, Any] = {"done": found}
        except Refused as error:
            answer = {"error": str(error), "fields": error.fields}
        except (FFmpegError, MemoryError):
            answer = {"error": "media_unreadable"}
        say(**answer, memory_bytes=peak(status))


if __name__ == "__main__":
    main(*sys.argv[1:])
