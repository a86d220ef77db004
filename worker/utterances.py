"""Where one segment ends and the next begins in a run of timed words."""

from collections.abc import Iterator, Sequence

from speech.transcript import Word

PAUSE = 0.8  # seconds without a word that end a segment
LONGEST = 10.0  # seconds after which a segment is cut at the widest pause in it
MARKS = (".", "?", "!", "。", "？", "！", "…")
CLOSING = "\"'”’」』)"


def utterances(words: Sequence[Word]) -> Iterator[tuple[Word, ...]]:
    """The words in runs that end with a sentence, before a pause, or when they grow too long."""
    run: list[Word] = []
    for word in words:
        if run and word.start - run[-1].end >= PAUSE:
            yield tuple(run)
            run = []
        run.append(word)
        if _ends(run):
            yield tuple(run)
            run = []
        elif run[-1].end - run[0].start > LONGEST and len(run) > 1:
            first, run = _halves(run)
            yield first
    if run:
        yield tuple(run)


def _ends(run: Sequence[Word]) -> bool:
    return run[-1].word.rstrip(CLOSING).endswith(MARKS)


def _halves(run: list[Word]) -> tuple[tuple[Word, ...], list[Word]]:
    """Cut at the widest pause, the last one of several."""
    at = max(range(1, len(run)), key=lambda n: (run[n].start - run[n - 1].end, n))
    return tuple(run[:at]), run[at:]
