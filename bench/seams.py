"""What cutting a long recording into parts costs: errors near the seams, against the same recording uncut.

    python -m bench.seams FOLDER [--seconds 75] [--times 6] [--only PART_OF_A_NAME]

FOLDER holds `manifest.tsv` (file, language, seconds, transcript, …) and the recordings; all of one language are joined
with a pause between them, `--times` over in another order. A word of the reference is near a seam when the uncut run
hears it within 2 s of one. Parts are to be longer than one window (the last ones are halved): a part of one window
is heard another way, and no recording is cut so short.
Goal: over 50 seams or more, at most 1 point worse than uncut, and no word said twice.
"""

import argparse
import random
import tempfile
from itertools import chain, groupby, pairwise
from pathlib import Path

import jiwer
import numpy as np

from bench.recordings import rows
from speech.media import RATE, MediaLimits, decode
from speech.settings import Settings
from speech.transcript import Transcript, Word
from worker.cuts import cut
from worker.engines import TranscribeOptions, Transcriber, load_transcriber
from worker.listen import listen, merge

NEAR = 2.0  # seconds
PAUSE = 0.4  # seconds between two recordings


def main() -> None:
    """Print one row a language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=75.0)
    parser.add_argument("--times", type=int, default=6)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    engine = load_transcriber(Settings())
    print(
        "| language | seconds | seams | words near | errors uncut | cut | all uncut | cut | said twice |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    found = sorted(rows(asked.folder, asked.only, 1e9), key=lambda row: row["language"])
    for language, group in groupby(found, key=lambda row: row["language"]):
        with tempfile.TemporaryDirectory() as folder:
            recordings, order = list(group), random.Random(0)
            several = (order.sample(recordings, len(recordings)) for _ in range(asked.times))
            path, text = joined(asked.folder, list(chain(*several)), Path(folder))
            print(compare(engine, path, text, language, asked.seconds), flush=True)


def joined(source: Path, recordings: list[dict[str, str]], folder: Path) -> tuple[Path, str]:
    """The recordings one after the other as decoded samples, and what is said in them."""
    path, limits = folder / "joined", MediaLimits.from_settings(Settings())
    with path.open("wb") as file:
        for row in recordings:
            decode(source / row["file"], folder / "one", limits)
            file.write((folder / "one").read_bytes() + bytes(2 * round(PAUSE * RATE)))
    return path, " ".join(row["transcript"] for row in recordings)


def compare(engine: Transcriber, path: Path, text: str, language: str, seconds: float) -> str:
    """A row: error rates of words near seams and of all, uncut and cut."""
    total, options = path.stat().st_size // 2, TranscribeOptions(language=language)
    spans = cut(path, total, seconds)
    whole = listen(engine, path, (0, total), options)
    parts = merge([(span[0] / RATE, listen(engine, path, span, options)) for span in spans])
    seams = [span[0] / RATE for span in spans[1:]]
    said = plain(text)
    near = close(said, whole, seams)
    one, other = (errors(said, transcript) for transcript in (whole, parts))
    rates = (one[near].mean(), other[near].mean(), one.mean(), other.mean())
    shown = " | ".join(f"{rate:.1%}" for rate in rates)
    return (
        f"| {language} | {total / RATE:.0f} | {len(seams)} | {near.sum()} | {shown} "
        f"| {twice(said, parts, seams)} |"
    )


def plain(text: str) -> list[str]:
    """Words as they are compared: lower case, letters and digits."""
    kept = ("".join(c for c in word if c.isalnum() or c == "'") for word in text.lower().split())
    return [word for word in kept if word]


def heard_words(transcript: Transcript) -> list[tuple[str, Word]]:
    """The transcript's words, plain and as they are."""
    words = [word for segment in transcript.segments for word in segment.words]
    return [(one, word) for word in words for one in plain(word.word)]


def errors(said: list[str], transcript: Transcript) -> np.ndarray:
    """For each word said, the errors at it: 1 wrong or missing, and 1 for each word put in after it."""
    found = np.zeros(len(said))
    for chunk in aligned(said, transcript):
        if chunk.type == "insert":
            place = min(len(said) - 1, max(0, chunk.ref_start_idx - 1))
            found[place] += chunk.hyp_end_idx - chunk.hyp_start_idx
        elif chunk.type != "equal":
            found[chunk.ref_start_idx : chunk.ref_end_idx] += 1
    return found


def close(said: list[str], transcript: Transcript, seams: list[float]) -> np.ndarray:
    """Which words are said within NEAR of a seam."""
    at = place_of(said, transcript)
    return np.abs(at[:, None] - np.array(seams)[None]).min(1) < NEAR


def place_of(said: list[str], transcript: Transcript) -> np.ndarray:
    """When each word is said; those that were not heard are where their neighbours are."""
    heard, places, times = heard_words(transcript), [], []
    for chunk in aligned(said, transcript):
        if chunk.type == "equal":
            for n in range(chunk.ref_end_idx - chunk.ref_start_idx):
                places.append(chunk.ref_start_idx + n)
                times.append(heard[chunk.hyp_start_idx + n][1].start)
    return np.interp(np.arange(len(said)), places, times)


def aligned(said: list[str], transcript: Transcript) -> list[jiwer.AlignmentChunk]:
    """The edits between what was said and what was heard."""
    heard = " ".join(one for one, _ in heard_words(transcript))
    return jiwer.process_words(" ".join(said), heard).alignments[0]


def twice(said: list[str], transcript: Transcript, seams: list[float]) -> int:
    """Words that stand on both sides of a seam within NEAR of it, one of the two put in beside what was said."""
    heard = heard_words(transcript)
    added = {
        place
        for chunk in aligned(said, transcript)
        if chunk.type == "insert"
        for place in range(chunk.hyp_start_idx, chunk.hyp_end_idx)
    }
    return sum(
        one == other
        and bool({place, place + 1} & added)
        and any(first.start < seam <= second.start < first.start + NEAR for seam in seams)
        for place, ((one, first), (other, second)) in enumerate(pairwise(heard))
    )


if __name__ == "__main__":
    main()
