"""The measure of what seams cost (bench/seams.py)."""

from bench.seams import twice
from speech.transcript import Segment, Transcript, Word

SEAM = 10.0


def transcript(*words: tuple[str, float]) -> Transcript:
    """What was heard: each word with its start."""
    heard = tuple(Word(word, start, start + 0.3, 0.9) for word, start in words)
    segment = Segment(id=0, start=heard[0].start, end=heard[-1].end, text="", words=heard)
    return Transcript("", "en", 1.0, 20.0, (segment,), "transcribe", {})


def test_a_word_heard_on_both_sides_of_a_seam_and_said_once_is_doubled() -> None:
    heard = transcript(("We", 9.0), ("sail", 9.7), ("sail", 10.1), ("home", 10.6))
    assert twice(["we", "sail", "home"], heard, [SEAM]) == 1


def test_a_word_that_was_said_twice_or_away_from_a_seam_is_not() -> None:
    heard = transcript(("We", 9.0), ("sail", 9.7), ("sail", 10.1), ("home", 10.6))
    assert twice(["we", "sail", "sail", "home"], heard, [SEAM]) == 0
    assert twice(["we", "sail", "home"], heard, [15.0]) == 0


def test_another_word_misheard_as_its_neighbour_is_an_error_but_not_a_doubled_word() -> None:
    heard = transcript(("woe", 9.0), ("to", 9.4), ("he", 9.7), ("He", 10.1), ("who", 10.6))
    assert twice(["woe", "to", "thee", "he", "who"], heard, [SEAM]) == 0
