"""Word times from a CTC network: the alignment itself, and the door that a network comes through."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.errors import Unavailable
from speech.media import RATE
from speech.settings import Settings
from speech.transcript import Segment, Word
from tests.hearing_fixtures import ToneEngine
from worker.aligners import ALIGNERS, Aligned, timed, with_times
from worker.ctc import align
from worker.engines import TranscribeOptions

FRAME = 0.02
VOCABULARY = {"<pad>": 0, "|": 1, "안": 2, "녕": 3, "하": 4, "세": 5, "요": 6, "ㄱ": 7, "a": 8}


def certain(labels, wide=9):
    """Log probabilities of a network that is nearly sure of one label a frame."""
    probabilities = np.full((len(labels), wide), 0.01)
    probabilities[np.arange(len(labels)), labels] = 0.9
    return np.log(probabilities)


class Sure:
    """A network that hears the frames it was given, whatever the sound."""

    vocabulary, blank, frame = VOCABULARY, 0, FRAME

    def __init__(self, labels):
        self.labels, self.asked = labels, []

    def log_probs(self, samples):
        self.asked.append(len(samples))
        return certain(self.labels)

    def describe(self):
        return {"name": "sure", "model": "none"}


def segment(*texts, start=1.0, end=2.0):
    words = tuple(Word(f" {text}", start, end, 0.9) for text in texts)
    return Segment(0, start, end, "".join(word.word for word in words), words=words)


SOUND = np.zeros(5 * RATE, np.float32)


def test_each_token_gets_the_frames_it_is_heard_in():
    assert align(certain([0, 0, 2, 2, 0, 3, 0]), [2, 3], 0) == [(2, 4), (5, 6)]


def test_the_same_token_twice_needs_a_blank_between():
    assert align(certain([2, 2, 0, 2, 2]), [2, 2], 0) == [(0, 2), (3, 5)]
    assert align(certain([2, 2]), [2, 2], 0) is None


def test_a_text_with_more_tokens_than_frames_does_not_fit():
    assert align(certain([2]), [2, 3], 0) is None
    assert align(certain([2]), [], 0) is None
    assert align(certain([]), [2], 0) is None


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3)), min_size=1))
def test_tokens_that_are_heard_apart_are_found_to_the_frame(told):
    labels, wanted = [0], []
    for token, length, silence in told:
        wanted.append((len(labels), len(labels) + length))
        labels += [token] * length + [0] * silence
    assert align(certain(labels, 6), [token for token, _, _ in told], 0) == wanted


def test_words_get_the_times_of_their_first_and_last_character():
    network = Sure([0] * 10 + [2] * 5 + [3] * 5 + [1] * 5 + [4, 5, 6] + [0] * 40)
    found = timed(segment("안녕,", "하세요."), SOUND, network).words
    assert [(one.start, one.end, one.time_source) for one in found] == [
        (1.0, 1.2, "aligned"), (1.3, 1.36, "aligned"),
    ]  # fmt: skip
    assert network.asked == [round(1.4 * RATE)]  # the segment with a fifth of a second around it


def test_a_word_that_the_network_cannot_spell_is_interpolated_and_marked():
    network = Sure([2, 3] + [1] * 18 + [4, 5, 6] + [0] * 50)
    found = timed(segment("안녕", "3", "하세요"), SOUND, network).words
    assert [(one.start, one.end, one.time_source) for one in found] == [
        (0.8, 0.84, "aligned"), (0.84, 1.2, "interpolated"), (1.2, 1.26, "aligned"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "labels"), [(("hello", "world", "안녕"), [2, 3, 0]), (("안녕", "하세요"), [2, 3])]
)
def test_a_segment_that_cannot_be_aligned_keeps_its_times(words, labels):
    heard = segment(*words)
    assert timed(heard, SOUND, Sure(labels)) == heard


def test_syllables_are_spelled_in_jamo_for_a_network_of_jamo():
    jamo = Sure([1, 1, 2, 3])
    jamo.vocabulary = {"<pad>": 0, "ᄀ": 1, "ᅡ": 2, "ᆨ": 3}
    (found,) = timed(segment("각"), SOUND, jamo).words
    assert (found.start, found.end) == (0.8, 0.88)


def test_an_engine_behind_the_door_hears_as_before_and_times_anew():
    tone = np.concatenate([np.sin(np.arange(RATE) * 0.4), np.zeros(RATE)]).astype(np.float32)
    network = Sure([0, 1, 1, 0])
    network.vocabulary = {"<pad>": 0, **{digit: 1 for digit in "0123456789"}}
    plain, engine = ToneEngine(), Aligned(ToneEngine(), network)
    options = TranscribeOptions(language="ko")
    speech = engine.speech(tone, options)
    (before,) = plain.transcribe(tone, options, speech)[1]
    (after,) = engine.transcribe(tone, options, speech)[1]
    assert replace(after, words=()) == replace(before, words=())
    assert engine.detections == 0  # all else is the engine's own
    assert engine.describe()["aligner"] == {"name": "sure", "model": "none"}
    translated = engine.transcribe(tone, replace(options, task="translate"), speech)[1]
    assert list(translated) == [before]


def test_the_settings_choose_the_aligner(monkeypatch):
    engine = ToneEngine()
    assert with_times(engine, Settings()) is engine
    monkeypatch.setitem(ALIGNERS, "sure", lambda settings: Sure([0]))
    named = with_times(engine, Settings(aligner="sure", alignment_model="any"))
    assert isinstance(named, Aligned)
    with pytest.raises(ValueError, match="wav2vec2"):
        with_times(engine, Settings(aligner="nobody", alignment_model="any"))


def test_an_aligner_whose_packages_are_missing_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(Unavailable) as caught:
        with_times(ToneEngine(), Settings(alignment_model="a/b"))
    assert "pip install torch transformers" in caught.value.message()
