"""Whether recordings can be learned from: their sound, their text, and the two together."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from speech.errors import InvalidRequest
from speech.korean.hangul import is_syllable
from speech.korean.reader import Reader, symbols
from speech.voices import Voice
from voice_model.recordings import Finding, Recording

LOWEST_RATE = 22_050  # Hz; what is missing above half of it cannot be learned
SHORTEST, LONGEST = 0.4, 15.0  # seconds; Glow-TTS holds a whole sentence in memory
SLOWEST, FASTEST = 2.0, 10.0  # syllables a second without the silence at the ends
FULL, CLIPPED = 0.999, 0.0005  # amplitude, and the part of samples that may reach it
SILENT_DB, QUIET_DB, EDGE = -50.0, -35.0, 0.7  # below the peak; RMS; seconds at an end
WINDOW = 0.01  # seconds over which silence is measured


@dataclass(frozen=True)
class Measured:
    """What one recording's sound is like; times in seconds."""

    rate: int
    seconds: float
    peak: float
    clipped: float  # part of the samples
    level_db: float  # RMS of full scale
    before: float  # silence
    after: float
    digest: str

    @property
    def spoken(self) -> float:
        """Seconds between the silences."""
        return self.seconds - self.before - self.after


@dataclass(frozen=True)
class Checked:
    """A recording with its sound's measures and its text's symbols."""

    recording: Recording
    measured: Measured
    reading: str
    symbols: tuple[int, ...]

    @property
    def pace(self) -> float:
        """Syllables a second."""
        said = sum(map(is_syllable, self.reading))
        return said / max(self.measured.spoken, 0.01)


def read_sound(path: Path) -> tuple[np.ndarray, int]:
    """Mono samples, float32, and their rate in Hz. Raises ValueError for a file that is no sound."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            resampler = av.AudioResampler("flt", "mono", stream.rate)
            frames = [*container.decode(stream), None]
            parts = [part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)]
    except (av.FFmpegError, IndexError, OSError) as error:
        raise ValueError(f"{path.name} is not a recording that can be read: {error}") from error
    return np.concatenate(parts) if parts else np.zeros(0, np.float32), stream.rate


def check(
    recordings: Iterable[Recording],
    voice: Voice,
    hop_samples: int,
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[list[Checked], list[Finding]]:
    """The recordings that can be used, and everything found; `tell` hears of progress."""
    reader, checked, findings = Reader(), list[Checked](), list[Finding]()
    for number, recording in enumerate(recordings, 1):
        found = _check_one(recording, reader, voice, hop_samples, findings)
        if found:
            checked.append(found)
        if number % 200 == 0:
            tell(f"{number} recordings checked")
    copies = _duplicates(checked, findings)
    return [each for each in checked if each.recording not in copies], findings


def _check_one(
    recording: Recording, reader: Reader, voice: Voice, hop: int, findings: list[Finding]
) -> Checked | None:
    found = list[Finding]()
    try:
        samples, rate = read_sound(recording.sound)
        reading, ids = _read_text(recording, reader, voice)
    except ValueError as error:
        findings.append(recording.finding("unreadable", str(error)))
        return None
    except InvalidRequest as error:
        findings.append(recording.finding("characters", error.message()))
        return None
    each = Checked(recording, measure(samples, rate), reading, tuple(ids))
    found += _of_sound(each)
    found += _of_both(each, voice, hop)
    findings += found
    return None if any(finding.error for finding in found) else each


def _read_text(recording: Recording, reader: Reader, voice: Voice) -> tuple[str, list[int]]:
    """The reading and its symbols; a teacher's own reading is taken as it is."""
    reading = recording.reading or reader.read(recording.text, on_unknown="reject").reading
    ids, _, lacking = symbols(reading, voice)
    if lacking:
        raise ValueError(f"the voice has no symbols for {' '.join(lacking)}")
    if not any(map(is_syllable, reading)):
        raise ValueError("the text says nothing")
    return reading, ids


def measure(samples: np.ndarray, rate: int) -> Measured:
    """Length, level, clipping and the silence at both ends."""
    if not len(samples):
        return Measured(rate, 0.0, 0.0, 0.0, -math.inf, 0.0, 0.0, "")
    size = max(1, round(WINDOW * rate))
    windows = np.abs(np.pad(samples, (0, -len(samples) % size))).reshape(-1, size).max(axis=1)
    peak = float(windows.max())
    loud = np.flatnonzero(windows > peak * 10 ** (SILENT_DB / 20))
    ends = (loud[0], len(windows) - 1 - loud[-1]) if len(loud) else (len(windows), 0)
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    return Measured(
        rate=rate,
        seconds=len(samples) / rate,
        peak=peak,
        clipped=float(np.mean(np.abs(samples) >= FULL)),
        level_db=20 * math.log10(rms) if rms else -math.inf,
        before=ends[0] * size / rate,
        after=ends[1] * size / rate,
        digest=hashlib.sha256(samples.tobytes()).hexdigest(),
    )


def _of_sound(each: Checked) -> list[Finding]:
    say, sound, found = each.recording.finding, each.measured, list[Finding]()
    if sound.rate < LOWEST_RATE:
        found.append(say("rate", f"{sound.rate} Hz; at least {LOWEST_RATE} are needed"))
    if not SHORTEST <= sound.seconds <= LONGEST:
        found.append(say("length", f"{sound.seconds:.2f} s; from {SHORTEST} to {LONGEST} are used"))
    if sound.level_db < SILENT_DB:
        found.append(say("silence", f"nothing is heard: {sound.level_db:.0f} dB"))
    elif sound.level_db < QUIET_DB:
        found.append(say("level", f"very quiet: {sound.level_db:.0f} dB", error=False))
    if sound.clipped > CLIPPED:
        part = f"{sound.clipped:.2%} of the samples are at full scale"
        found.append(say("clipping", part))
    if max(sound.before, sound.after) > EDGE:
        edges = f"{sound.before:.2f} s of silence before and {sound.after:.2f} s after"
        found.append(say("edges", f"{edges}; they are cut", error=False))
    return found


def _of_both(each: Checked, voice: Voice, hop: int) -> list[Finding]:
    say, found = each.recording.finding, list[Finding]()
    if each.measured.seconds and not SLOWEST <= each.pace <= FASTEST:
        told = f"{each.pace:.1f} syllables a second; text and sound do not seem to be the same"
        found.append(say("alignment", told))
    frames = each.recording.frames
    if frames and len(frames) != len(each.symbols):
        found.append(say("frames", f"{len(frames)} durations for {len(each.symbols)} symbols"))
    elif frames and abs(sum(frames) - each.measured.seconds * voice.rate / hop) > 2:
        told = f"durations of {sum(frames)} frames for {each.measured.seconds:.2f} s of sound"
        found.append(say("frames", told))
    return found


def _duplicates(checked: list[Checked], findings: list[Finding]) -> set[Recording]:
    """Recordings whose sound came before; the same text with other sound is only told."""
    sounds, texts = defaultdict(list), defaultdict(list)
    for each in checked:
        sounds[each.measured.digest].append(each.recording)
        texts[each.reading].append(each.recording)
    copies = set[Recording]()
    for first, *others in sounds.values():
        for other in others:
            copies.add(other)
            findings.append(other.finding("copy", f"the same sound as line {first.line}"))
    for first, *others in texts.values():
        for other in others:
            if other not in copies:
                told = f"the same text as line {first.line}"
                findings.append(other.finding("repeated", told, error=False))
    return copies
