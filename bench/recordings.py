"""Error rates and speed of the transcription engine on real recordings of your own.

    python -m bench.recordings FOLDER [--only PART_OF_A_NAME] [--most SECONDS]

FOLDER holds `manifest.tsv` (file, language, seconds, transcript, …) and the recordings. Each is decoded as a job
decodes it; letters and digits count for CER, words for WER.
"""

import argparse
import csv
import tempfile
import time
from pathlib import Path
from typing import Any

import jiwer

from bench.voices import letters
from speech.media import MediaLimits, decode
from speech.settings import Settings
from worker.engines import TranscribeOptions
from worker.listen import listen
from worker.transcribe import load_transcription_models


def main() -> None:
    """Print one row a recording that has a transcript, then the pooled rates of each language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--most", type=float, default=1e9)
    asked = parser.parse_args()
    engine = load_transcription_models(Settings())
    pooled: dict[str, list[tuple[str, str, float, float]]] = {}
    print("| recording | seconds | CER | WER | real-time factor |")
    print("|---|---|---|---|---|")
    for row in rows(asked.folder, asked.only, asked.most):
        heard, took = hear(engine, asked.folder / row["file"], row["language"])
        done = (row["transcript"], heard, took, float(row["seconds"]))
        pooled.setdefault(row["language"], []).append(done)
        if len(row["file"].split("/")) == 1:
            print(line(Path(row["file"]).stem, [done]), flush=True)
    for language, all_of in pooled.items():
        print(line(f"all {len(all_of)} in {language}", all_of))


def rows(folder: Path, only: str, most: float) -> list[dict[str, str]]:
    """The manifest's rows that have a transcript."""
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        row
        for row in found
        if row["transcript"] and only in row["file"] and float(row["seconds"]) <= most
    ]


def hear(engine: Any, path: Path, language: str) -> tuple[str, float]:
    """What the engine hears, told the language, and the seconds that it took, reading included."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "sound"
        decoded = decode(path, target, MediaLimits.from_settings(Settings()))
        options = TranscribeOptions(language=language)
        text = listen(engine, target, (0, decoded.samples), options).text
    return text, time.perf_counter() - began


def line(name: str, results: list[tuple[str, str, float, float]]) -> str:
    """One row of the table, pooled over results (said, heard, took, seconds)."""
    said, heard = [one[0].lower() for one in results], [one[1].lower() or "-" for one in results]
    cer = jiwer.cer([letters(one) for one in said], [letters(one) or "-" for one in heard])
    wer = jiwer.wer(said, heard)
    seconds = sum(one[3] for one in results)
    speed = sum(one[2] for one in results) / seconds
    return f"| {name} | {seconds:.0f} | {cer:.1%} | {wer:.1%} | {speed:.2f} |"


if __name__ == "__main__":
    main()
