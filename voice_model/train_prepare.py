"""From folders of recordings to what training takes: checked, cut at the silences, at the model's rate."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from speech.voices import Voice
from voice_model.dataset_checks import Checked, check, read_sound
from voice_model.dataset_report import summary, write_report
from voice_model.recordings import Finding, read_recordings, write_sound
from voice_model.train_plan import Item, Plan, write_items

REPORT = "report-{}.html"
KEPT = 0.05  # seconds of silence left at each end
PEAK = 0.85

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Dataset:
    """One speaker's recordings that can be used, what was found, and the page that says so."""

    checked: Sequence[Checked]
    findings: Sequence[Finding]
    report: Path

    @property
    def errors(self) -> list[Finding]:
        """What keeps recordings out of training."""
        return [finding for finding in self.findings if finding.error]

    def told(self) -> str:
        """One sentence."""
        return summary(self.checked, self.findings)


def examine(
    folder: Path, voice: Voice, work: Path, name: str, tell: Callable[[str], None]
) -> Dataset:
    """Check one folder and write its report. Raises ValueError for a folder of no known layout."""
    recordings, findings = read_recordings(folder)
    checked, found = check(recordings, voice, voice.hop, tell)
    report = work / REPORT.format(name)
    work.mkdir(parents=True, exist_ok=True)
    write_report(report, f"{name}: {folder}", checked, [*findings, *found])
    return Dataset(checked, [*findings, *found], report)


def prepare(plan: Plan, datasets: Sequence[Dataset], voice: Voice, work: Path) -> list[Item]:
    """Write the sounds, the items and the plan. What an earlier run wrote is written again, the same."""
    items = [
        _item(each, place, speaker.slug, voice, work)
        for place, (speaker, dataset) in enumerate(zip(plan.speakers, datasets, strict=True))
        for each in dataset.checked
    ]
    write_items(items, work)
    plan.write(work)
    return items


def _item(each: Checked, place: int, slug: str, voice: Voice, work: Path) -> Item:
    samples, rate = read_sound(each.recording.sound)
    if not each.recording.frames:  # given durations count from the first sample
        samples = _cut(samples, rate, each)
    samples = soxr.resample(samples, rate, voice.rate)
    sound = work / "sounds" / slug / f"{each.recording.line:06d}.wav"
    sound.parent.mkdir(parents=True, exist_ok=True)
    write_sound(sound, samples * (PEAK / max(float(np.abs(samples).max()), 1e-6)), voice.rate)
    name = f"{slug}/{each.recording.line}"
    return Item(name, place, sound, each.reading, each.symbols, each.recording.frames)


def _cut(samples: np.ndarray, rate: int, each: Checked) -> np.ndarray:
    start = max(0.0, each.measured.before - KEPT)
    end = each.measured.seconds - max(0.0, each.measured.after - KEPT)
    return samples[round(start * rate) : round(end * rate)]
