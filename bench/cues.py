"""Seconds from words to subtitles: `python -m bench.cues [--hours 24]`.

Sentences are found once, when a transcript is made; cues are built again for every set of rules. Both are measured
at a quarter of the words, at half and at all of them: the cost must grow with the words and no faster.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

from speech.cue_rules import PRESETS, CueRules
from speech.subtitles import cues_of, srt
from speech.transcript import Segment, Transcript, Word
from speech.words import words_of
from worker.sentences import number_sentences

# A lecturer's pace, with a breath after each sentence and no punctuation, as Whisper often writes Korean.
LECTURE = (
    "오늘은 자바 언어의 기초를 배워볼 건데요 먼저 설치부터 하겠습니다 이 화면에서 다운로드를 누르시면 됩니다 "
    "그러면 3.5 버전이 나오죠 여기까지 따라오셨나요 다음으로 넘어가 보겠습니다"
).split()
WORD, BREATH = 0.35, 0.6  # seconds


def lecture(hours: float) -> Transcript:
    """A Korean lecture of that length."""
    words, now = [], 0.0
    while now < hours * 3600:
        for text in LECTURE:
            words.append(Word(f" {text}", now, now + WORD, 0.9))
            now += WORD + (BREATH if text.endswith(("다", "요", "죠", "나요")) else 0.0)
    text = "".join(word.word for word in words).strip()
    return Transcript(text, "ko", 1.0, now, (Segment(0, 0.0, now, text, words=tuple(words)),))


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Those of one call."""
    began = clock()
    work()
    return clock() - began


def cues(spoken: Transcript, rules: CueRules) -> str:
    """Subtitles by these rules."""
    return srt(cues_of(spoken, rules))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    hours = parser.parse_args().hours
    number_sentences(lecture(0.01))  # Kiwi loads
    print(
        "| hours | words | sentences (s, on two cores) |",
        " | ".join(f"{name} (CPU s)" for name in PRESETS),
        "|",
    )
    for part in (hours / 4, hours / 2, hours):
        spoken = lecture(part)
        counted = number_sentences(spoken)
        took = [seconds(partial(number_sentences, spoken), time.perf_counter)]
        for rules in PRESETS.values():
            took.append(seconds(partial(cues, counted, rules), time.process_time))
        print(f"| {part:g} | {len(words_of(spoken))} |", " | ".join(f"{t:.2f}" for t in took), "|")


if __name__ == "__main__":
    main()
