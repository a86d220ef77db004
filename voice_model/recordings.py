"""A folder of recordings and transcripts, in the layouts of LJSpeech and KSS, as it is written.

LJSpeech (https://keithito.com/LJ-Speech-Dataset): metadata.csv, `id|text|normalized`, sound in wavs/{id}.wav.
KSS (https://www.kaggle.com/datasets/bryanpark/korean-single-speaker-speech-dataset): transcript*.txt,
`1/1_0000.wav|written|spoken|…`. A taught corpus has `id|text|reading|frames of each symbol` in metadata.csv.
"""

import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SOUNDS = (".wav", ".flac", ".opus", ".ogg", ".mp3")
LARGEST = 67_108_864  # bytes of a transcript


@dataclass(frozen=True)
class Finding:
    """What is wrong with a line of a transcript or with its sound; an `error` keeps it out of training."""

    file: Path
    line: int  # from 1; 0 is the whole file
    error: bool
    code: str
    message: str


@dataclass(frozen=True)
class Recording:
    """One line of a transcript. `reading` and `frames` are given where a teacher spoke."""

    id: str
    sound: Path
    text: str
    file: Path
    line: int
    reading: str = ""
    frames: tuple[int, ...] = ()

    def finding(self, code: str, message: str, error: bool = True) -> Finding:
        """Something found in this line."""
        return Finding(self.file, self.line, error, code, message)


def read_recordings(folder: Path) -> tuple[list[Recording], list[Finding]]:
    """The lines of a folder's transcript and what is wrong with the rest.

    Raises ValueError for a folder without a transcript of a known layout.
    """
    for pattern, layout in LAYOUTS.items():
        for file in sorted(folder.glob(pattern)):
            if file.stat().st_size > LARGEST:
                raise ValueError(f"{file} is larger than {LARGEST} bytes")
            return _read(file, layout)
    raise ValueError(f"{folder} holds none of {', '.join(LAYOUTS)}")


def _read(file: Path, layout: Callable[[Path, int, list[str]], Recording]) -> tuple[list, list]:
    recordings, findings = list[Recording](), list[Finding]()
    for number, line in enumerate(_lines(file), 1):
        if not line.strip():
            continue
        try:
            recordings.append(layout(file, number, [field.strip() for field in line.split("|")]))
        except ValueError as error:
            findings.append(Finding(file, number, True, "line", str(error)))
    return recordings, findings


def _lines(file: Path) -> Iterator[str]:
    text = file.read_bytes().decode("utf-8-sig", "replace")
    return iter(text.splitlines())


def _lj(file: Path, number: int, fields: list[str]) -> Recording:
    if len(fields) < 2 or not fields[0]:
        raise ValueError("a line is `id|text`, `id|text|normalized` or `id|text|reading|frames`")
    home = file.parent / "wavs"
    sound = _inside(home if home.is_dir() else file.parent, fields[0])
    if len(fields) == 4 and fields[3]:
        return Recording(fields[0], sound, fields[1], file, number, fields[2], _frames(fields[3]))
    text = fields[2] if len(fields) > 2 and fields[2] else fields[1]
    return Recording(fields[0], sound, text, file, number)


def _kss(file: Path, number: int, fields: list[str]) -> Recording:
    if len(fields) < 2 or not fields[0]:
        raise ValueError("a line is `folder/file.wav|written|spoken|…`")
    text = fields[2] if len(fields) > 2 and fields[2] else fields[1]
    name = fields[0].rsplit(".", 1)[0]
    return Recording(name.replace("/", "-"), _inside(file.parent, name), text, file, number)


def _inside(home: Path, name: str) -> Path:
    """The sound of that name. Raises ValueError for one outside the folder, or none."""
    if name.startswith("/") or not {"..", ".", ""}.isdisjoint(name.split("/")) or "\0" in name:
        raise ValueError(f"{name!r} leads out of the folder")
    tried = [home / f"{name}{ending}" for ending in SOUNDS]
    for path in tried:
        if path.is_file():
            return path
    raise ValueError(f"there is no sound {tried[0]}")


def _frames(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(count) for count in text.split())
    except ValueError:
        raise ValueError("the frames are not whole numbers") from None


def write_sound(path: Path, samples: np.ndarray, rate: int) -> None:
    """`samples` from -1 to 1 as a mono WAV of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


LAYOUTS = {"metadata.csv": _lj, "transcript*.txt": _kss}
