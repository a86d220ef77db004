"""What a transcript tells of itself: speech that was passed over, words that nobody said, where segments end."""

import json
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

import worker.doubts
from speech.coverage import Coverage, merged
from speech.media import RATE
from speech.subtitles import from_json, to_json
from speech.transcript import Segment, Transcript, Word
from tests.hearing_fixtures import ToneEngine, melody
from worker.coverage import Listener
from worker.doubts import flagged
from worker.engines import TranscribeOptions
from worker.listen import listen, merge
from worker.utterances import LONGEST, utterances
from worker.vad import everything, padded

TUNE = [300, 500, 700, 900]
SPEECH = [(0.0, 100.0)]


class Forgetful(ToneEngine):
    """Passes over some tones until it hears them alone; others it never hears."""

    def __init__(self, passed_over: set[int], never: set[int] = frozenset()) -> None:
        super().__init__()
        self.passed_over, self.never = passed_over, never

    def _segments(self, samples, spans):
        deaf = self.never if len(self.asked) > 1 else self.passed_over | self.never
        for segment in super()._segments(samples, spans):
            if int(segment.text) not in deaf:
                yield segment


class Halting(Forgetful):
    """Of what it hears again it tells only the beginning."""

    def _segments(self, samples, spans):
        heard = super()._segments(samples, spans)
        return heard if len(self.asked) == 1 else islice(heard, 1)


def heard(tmp_path, engine, pitches=TUNE):
    sound = melody(pitches, seconds=2.0)
    sound.tofile(tmp_path / "samples")
    told = []
    options = TranscribeOptions(prompt="tones", no_speech_threshold=0.6)
    return listen(engine, tmp_path / "samples", (0, len(sound)), options, told.append), told


def test_speech_that_was_passed_over_is_heard_again_in_its_place(tmp_path):
    engine = Forgetful({500})
    transcript, told = heard(tmp_path, engine)
    assert transcript.text == "300 500 700 900"
    assert [segment.flags for segment in told] == [(), ("recovered",), (), ()]
    assert [segment.id for segment in told] == [0, 1, 2, 3]
    again = told[1]
    assert (again.start, again.end) == pytest.approx((2.5, 4.5), abs=0.35)
    assert again.words[0].start == again.start
    coverage = transcript.coverage
    assert (len(coverage.recovered), coverage.missing, coverage.ratio) == (1, (), 1.0)


def test_what_the_second_hearing_passes_over_is_asked_for_once_more(tmp_path):
    transcript, told = heard(tmp_path, Halting({500, 700}))
    assert transcript.text == "300 500 700 900"
    assert [segment.flags for segment in told] == [(), ("recovered",), ("recovered",), ()]
    assert len(transcript.coverage.recovered) == 2


def test_each_time_the_pieces_are_half_as_long(tmp_path):
    tune = list(range(300, 1500, 100))
    transcript, _ = heard(tmp_path, Halting(set(tune)), tune)
    told = [int(word) for word in transcript.text.split()]
    assert told == sorted(set(told))
    # One of the first 28 s, then one of each 14 s, then one of each 7 s; and the last tone.
    assert len(told) == 8


def test_it_is_heard_again_with_gentler_settings(tmp_path):
    engine = Forgetful({500})
    heard(tmp_path, engine)
    first, again = engine.asked
    assert again == replace(
        first, language="ko", prompt=None, no_speech_threshold=None, without_timestamps=True
    )


def test_speech_that_stays_unheard_is_listed(tmp_path):
    transcript, _ = heard(tmp_path, Forgetful({700}, never={300, 900}))
    assert transcript.text == "500 700"
    assert [round(start) for start, _ in transcript.coverage.missing] == [0, 8]
    assert transcript.coverage.ratio == pytest.approx(0.5, abs=0.1)


def test_a_recording_of_which_nothing_is_heard_is_listened_to_once_more(tmp_path):
    transcript, _ = heard(tmp_path, Forgetful(set(TUNE)))
    assert transcript.text == "300 500 700 900"
    assert {flag for segment in transcript.segments for flag in segment.flags} == {"recovered"}


def test_what_is_short_between_two_words_is_let_go():
    speech = [(0, RATE), (2 * RATE, round(2.9 * RATE)), (4 * RATE, 5 * RATE)]
    engine = ToneEngine()
    listener = Listener(engine, np.zeros(5 * RATE, np.float32), TranscribeOptions(), speech)
    first, last = Segment(0, 0.0, 1.0, "a"), Segment(1, 4.0, 5.0, "b")
    assert list(listener.complete([first, last], "ko")) == [first, last]
    assert engine.asked == []
    assert listener.coverage.missing == ()


def test_what_is_short_because_a_piece_was_full_is_not_let_go():
    spans = [(2.5 * place, 2.5 * place + 2.0) for place in range(11)] + [(27.5, 28.2)]
    speech = [(round(start * RATE), round(end * RATE)) for start, end in spans]
    sound = np.zeros(29 * RATE, np.float32)
    listener = Listener(ToneEngine(), sound, TranscribeOptions(), speech)
    assert list(listener.complete([], "ko")) == []
    assert listener.coverage.missing[-1] == pytest.approx((27.5, 28.2))
    assert listener.coverage.ratio == 0


def test_coverage_of_parts_becomes_that_of_the_whole():
    one = Coverage(10.0, ((1.0, 2.0),), ())
    other = Coverage(10.0, ((3.0, 4.0),), ((5.0, 6.0),))
    whole = merged([(0.0, one), (60.0, other)])
    assert whole == Coverage(20.0, ((1.0, 2.0), (63.0, 64.0)), ((65.0, 66.0),))
    assert whole.ratio == pytest.approx(0.9)
    said = Transcript("", "ko", 1.0, 60.0, ())
    parts = [(0.0, replace(said, coverage=one)), (60.0, replace(said, coverage=other))]
    assert merge(parts).coverage == whole
    assert Coverage.from_json(json.loads(json.dumps(whole.to_json()))) == whole


def test_flags_and_coverage_are_in_the_file(tmp_path):
    transcript, _ = heard(tmp_path, Forgetful({500}))
    told = to_json(transcript)
    assert told["segments"][1]["flags"] == ["recovered"]
    assert told["coverage"]["ratio"] == 1.0
    assert told["engine"]["beam_size"] == 5
    assert to_json(from_json(told)) == told


def said(text, start=0.0, end=2.0, probability=0.9, **fields):
    return Segment(0, start, end, text, words=(Word(text, start, end, probability),), **fields)


def flags_of(*segments, speech=SPEECH, **options):
    found = flagged(segments, speech, TranscribeOptions(**options))
    return [set(segment.flags) for segment in found]


def test_text_over_silence_is_flagged_and_kept():
    speech = [(0.0, 10.0)]
    assert flags_of(said(" a", 9.0, 12.0), said(" b", 20.0, 22.0), speech=speech) == [
        set(), {"over_silence"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["ha ha ha ha ha ha ha", "그래서 그래서 그래서 그래서 그래서", "あああああああああああああ"],
)
def test_a_loop_is_flagged(text):
    assert flags_of(said(text)) == [{"loop"}]


def test_the_same_segment_again_and_again_is_a_loop():
    texts = ["하나", "둘", "둘.", "둘", "둘", "셋"]
    found = flags_of(*(said(text, n, n + 1.0) for n, text in enumerate(texts)))
    assert [bool(flags) for flags in found] == [False, False, False, True, True, False]


def test_text_that_compresses_too_well_is_a_loop():
    assert flags_of(said("whatever", compression_ratio=2.5)) == [{"loop"}]


@pytest.mark.parametrize(
    "text", ["시청해주셔서 감사합니다!", " Thank you for watching.", "Untertitel im Auftrag des ZDF, 2020"]
)  # fmt: skip
def test_what_whisper_is_known_to_invent_is_flagged(text):
    assert flags_of(said(text)) == [{"known_phrase"}]


def test_a_sentence_that_holds_a_known_phrase_is_not():
    assert flags_of(said("오늘 강의를 시청해 주셔서 감사합니다 여러분")) == [set()]


def test_every_known_phrase_has_a_source():
    file = Path(worker.doubts.__file__).with_name("invented.json")
    told = json.loads(file.read_text("utf-8"))
    assert {one["source"] for one in told["phrases"]} == set(told["sources"])
    assert all(url.startswith("https://") for url in told["sources"].values())


def test_a_segment_under_the_threshold_of_confidence_is_flagged():
    both = said("a", probability=0.4), said("b", probability=0.6)
    assert flags_of(*both) == [set(), set()]
    assert flags_of(*both, confidence_threshold=0.5) == [{"unsure"}, set()]


def words_at(*times):
    return [Word(text, start, end, 1.0) for text, start, end in times]


def test_segments_end_with_sentences_and_before_pauses():
    words = words_at(
        (" a", 0.0, 0.5), (" b.", 0.5, 1.0), (" c", 1.0, 1.5), (" d", 2.4, 2.8), (' e?"', 2.8, 3.0),
        (" f", 3.0, 3.2),
    )  # fmt: skip
    runs = ["".join(word.word for word in run) for run in utterances(words)]
    assert runs == [" a b.", " c", ' d e?"', " f"]


def test_a_segment_that_grows_too_long_is_cut_at_its_widest_pause():
    words = [Word(f" {n}", float(n), n + (0.7 if n == 5 else 0.9), 1.0) for n in range(14)]
    runs = list(utterances(words))
    assert [word for run in runs for word in run] == words
    assert [word.word for word in runs[0]] == [" 0", " 1", " 2", " 3", " 4", " 5"]
    assert all(run[-1].end - run[0].start <= LONGEST for run in runs)


def test_one_endless_word_is_a_segment():
    (run,) = utterances(words_at((" aaa", 0.0, 28.0)))
    assert len(run) == 1


def test_padding_stays_within_half_a_pause_and_within_the_recording():
    spans = [(1000, RATE), (RATE + 2000, 2 * RATE), (5 * RATE, 6 * RATE)]
    assert padded(spans, 6 * RATE + 100, 0.4) == [
        (0, RATE + 1000), (RATE + 1000, 2 * RATE + 6400), (5 * RATE - 6400, 6 * RATE + 100),
    ]  # fmt: skip
    assert padded([], 0, 0.4) == []


def test_without_the_filter_everything_is_heard_cut_in_pauses():
    spans = everything([(RATE, 20 * RATE), (22 * RATE, 40 * RATE)], 100 * RATE)
    assert spans[0] == (0, 21 * RATE)
    assert spans[-1][1] == 100 * RATE
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert all(0 < end - start <= 30 * RATE for start, end in spans)
    assert everything([], 0) == []
