"""Whisper's word times against the durations of our own voices."""

import statistics

import pytest

from bench.word_times import differences, plain, speak
from speech.settings import Settings
from speech.transcript import Word
from worker.engines import TranscribeOptions
from worker.speaker import load_speech_models
from worker.transcribe import load_transcription_models

SENTENCES = [
    "아침 일찍 일어나서 공원을 한 바퀴 돌았습니다.",
    "이번 주말에는 가족과 함께 바닷가에 가기로 했어요.",
    "오늘은 날씨가 참 좋습니다.",
]


def test_words_that_were_heard_otherwise_are_not_compared():
    true = [Word(" 하나", 0.0, 1.0, 1.0), Word(" 둘", 1.0, 2.0, 1.0), Word(" 셋.", 2.0, 3.0, 1.0)]
    heard = [Word(" 하나", 0.1, 1.0, 1.0), Word(" 툴", 1.2, 2.0, 1.0), Word(" 셋", 1.9, 3.0, 1.0)]
    assert list(differences(true, heard)) == pytest.approx([0.1, -0.1])
    assert plain(" “셋.”") == "셋"


@pytest.mark.models
@pytest.mark.slow
def test_words_start_within_an_eighth_of_a_second_of_the_truth(tmp_path):
    speaker = load_speech_models(Settings())
    engine = load_transcription_models(Settings(data_dir=str(tmp_path)))
    sound, true = speak(speaker, SENTENCES, next(iter(speaker.voices)))
    options = TranscribeOptions(language="ko")
    segments = engine.transcribe(sound, options, engine.speech(sound, options))[1]
    heard = [word for segment in segments for word in segment.words]
    late = list(differences(true, heard))
    assert len(late) >= len(true) / 3
    assert statistics.median(map(abs, late)) < 0.12
