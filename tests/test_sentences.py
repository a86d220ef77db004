"""Sentences of speech without punctuation, found by Kiwi."""

from speech.transcript import Segment, Transcript, Word
from speech.words import words_of
from worker.sentences import number_sentences


def heard(text, language="ko", task="transcribe"):
    words = tuple(Word(f" {one}", n, n + 1, 1.0) for n, one in enumerate(text.split()))
    segment = Segment(0, 0, len(words), f" {text}", words=words)
    return Transcript(text, language, 1.0, len(words), (segment,), task)


def sentences(transcript):
    found = {}
    for word in words_of(number_sentences(transcript)):
        found.setdefault(word.sentence, []).append(word.word.strip())
    return [" ".join(words) for _, words in sorted(found.items())]


def test_korean_sentences_are_found_by_their_endings():
    text = "먼저 자바를 설치하겠습니다 이 화면에서 버튼을 누르면 됩니다 다음으로 넘어갈게요"
    assert sentences(heard(text)) == [
        "먼저 자바를 설치하겠습니다",
        "이 화면에서 버튼을 누르면 됩니다",
        "다음으로 넘어갈게요",
    ]


def test_a_decimal_point_ends_no_korean_sentence():
    assert sentences(heard("버전은 3.5 입니다. 받으세요.")) == ["버전은 3.5 입니다.", "받으세요."]


def test_a_long_text_is_read_in_pieces_and_has_the_same_sentences(monkeypatch):
    said = ["먼저 자바를 설치하겠습니다", "이 화면에서 버튼을 누르면 됩니다", "다 되셨나요"] * 40
    for piece in (100, 333):
        monkeypatch.setattr("worker.sentences.PIECE", piece)
        monkeypatch.setattr("worker.sentences.BEFORE", 60)
        assert sentences(heard(" ".join(said))) == said


def test_a_sentence_goes_on_from_one_segment_into_the_next():
    first = Segment(
        0, 0, 1, " 오늘은 자바를", words=(Word(" 오늘은", 0, 1, 1.0), Word(" 자바를", 1, 2, 1.0))
    )
    second = Segment(1, 2, 3, " 배웁니다", words=(Word(" 배웁니다", 2, 3, 1.0),))
    both = Transcript("오늘은 자바를 배웁니다", "ko", 1.0, 3.0, (first, second))
    assert sentences(both) == ["오늘은 자바를 배웁니다"]


def test_other_languages_and_translations_go_by_their_marks():
    assert sentences(heard("It works. Try it.", "en")) == ["It works.", "Try it."]
    assert sentences(heard("It works. Try it.", "ko", "translate")) == ["It works.", "Try it."]


def test_nothing_said_has_no_sentences():
    empty = Transcript("", "ko", 1.0, 3.0, ())
    assert number_sentences(empty) == empty


def test_no_sentence_goes_on_from_one_speaker_to_another():
    turns = [("오늘은 자바를", "left"), ("배웁니다", "right"), ("네 그렇죠", "left")]
    segments = tuple(
        Segment(
            n, n, n + 1, f" {text}", speaker=name,
            words=tuple(Word(f" {word}", n, n + 1, 1.0) for word in text.split()),
        )
        for n, (text, name) in enumerate(turns)
    )  # fmt: skip
    both = Transcript("…", "ko", 1.0, 3.0, segments)
    assert sentences(both) == ["오늘은 자바를", "배웁니다", "네 그렇죠"]
