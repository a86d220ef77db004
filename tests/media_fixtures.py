"""Media files made on the spot: tones in any container, and files that are not what they say."""

import struct
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def tone(seconds: float = 1.0, rate: int = 16_000, hz: float = 440.0) -> np.ndarray:
    """A sine at half of full scale: int16, shape (n,)."""
    time = np.arange(round(seconds * rate)) / rate
    return (16_000 * np.sin(2 * np.pi * hz * time)).astype(np.int16)


def wav(path: Path, sound: np.ndarray, rate: int = 16_000, channels: int = 1) -> Path:
    """16-bit WAV; with more channels, the same sound on each."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(sound, channels).tobytes())
    return path


def raw_wav(path: Path, data: bytes, tag: int, bits: int, rate: int, channels: int = 1) -> Path:
    """WAV of any sample format: tag 1 is PCM, 3 is float."""
    align = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def encode(
    path: Path,
    sound: np.ndarray | None,
    container: str,
    codec: str = "",
    rate: int = 48_000,
    picture: bool = False,
) -> Path:
    """A file by FFmpeg's container and codec names; `sound` is mono at 48 kHz, or None for none."""
    with av.open(str(path), "w", format=container) as out:
        video = out.add_stream("mpeg4", rate=10) if picture else None
        audio = None if sound is None else out.add_stream(codec, rate=rate, layout="mono")
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            for _ in range(10):
                black = np.zeros((48, 64, 3), np.uint8)
                out.mux(video.encode(av.VideoFrame.from_ndarray(black, format="rgb24")))
            out.mux(video.encode(None))
        if audio is not None and sound is not None:
            _write(out, audio, sound, rate)
    return path


def _write(out: av.container.OutputContainer, stream: object, sound: np.ndarray, rate: int) -> None:
    context = stream.codec_context
    context.open(strict=False)
    resampler = av.AudioResampler(
        format=context.format, layout="mono", rate=rate, frame_size=context.frame_size or 4096
    )
    frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
    frame.sample_rate = 48_000
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        out.mux(stream.encode(piece))
    out.mux(stream.encode(None))


def silence(path: Path, hours: float, container: str = "flac", codec: str = "flac") -> Path:
    """Hours of silence in a small file, made quickly: one packet of it, written over and over."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=8_000, layout="mono")
        context = stream.codec_context
        context.options = {"frame_size": "65535"} if codec == "flac" else {"frame_duration": "60"}
        context.open(strict=False)
        frame = av.AudioFrame(context.format, "mono", context.frame_size)
        frame.sample_rate, frame.pts = 8_000, 0
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        packets = [*context.encode(frame), *context.encode(None)]
        content, step = bytes(packets[0]), context.frame_size
        for number in range(round(hours * 3600 * 8_000 / step)):
            packet = av.Packet(content)
            packet.pts = packet.dts = number * step
            packet.duration, packet.time_base, packet.stream = step, Fraction(1, 8_000), stream
            out.mux(packet)
    return path


def stereo(path: Path, *channels: np.ndarray, rate: int = 16_000) -> Path:
    """16-bit WAV with another sound on each channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.stack(channels, axis=1).tobytes())
    return path


def tracks(path: Path, *sounds: np.ndarray) -> Path:
    """Matroska with a sound track for each sound: mono at 48 kHz."""
    with av.open(str(path), "w", format="matroska") as out:
        streams = [out.add_stream("pcm_s16le", rate=48_000, layout="mono") for _ in sounds]
        for stream, sound in zip(streams, sounds, strict=True):
            frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
            frame.sample_rate = 48_000
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return path


def encrypted(path: Path) -> Path:
    """MP4 whose sound is encrypted as DRM does it (ISO 23001-7, cenc)."""
    key = {"encryption_key": "00" * 16, "encryption_kid": "11" * 16}
    options = {"encryption_scheme": "cenc-aes-ctr"} | key
    with av.open(str(path), "w", format="mp4", options=options) as out:
        stream = out.add_stream("aac", rate=48_000, layout="mono")
        _write(out, stream, tone(3, rate=48_000), 48_000)
    return path
