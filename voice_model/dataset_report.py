"""One page about a dataset: what was found, by file and line, and how its recordings are spread."""

import html
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from voice_model.dataset_checks import Checked
from voice_model.recordings import Finding

BARS, WIDTH, HEIGHT = 30, 360, 120
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Dataset {title}</title>
<style>body {{ font: 15px/1.5 sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse }} td, th {{ padding: .2em .8em; text-align: left; border-bottom: 1px solid #ccc }}
figure {{ display: inline-block; margin: 1em 2em 1em 0 }} .error {{ color: #a00 }} rect {{ fill: #47a }}</style>
<h1>{title}</h1>
<p>{summary}</p>
{plots}
<h2>Found</h2>
<table><tr><th>file<th>line<th>what<th></tr>
{rows}
</table>
</html>
"""
PLOTS: dict[str, Callable[[Checked], float]] = {
    "seconds": lambda each: each.measured.seconds,
    "syllables a second": lambda each: each.pace,
    "level, dB": lambda each: each.measured.level_db,
    "silence at the ends, s": lambda each: each.measured.before + each.measured.after,
}


def write_report(
    path: Path, title: str, checked: Sequence[Checked], findings: Sequence[Finding]
) -> None:
    """Write the page; everything in it is inline."""
    rows = "\n".join(map(_row, sorted(findings, key=lambda each: (not each.error, each.line))))
    plots = "\n".join(histogram([of(each) for each in checked], name) for name, of in PLOTS.items())
    text = PAGE.format(
        title=html.escape(title), summary=summary(checked, findings), plots=plots, rows=rows
    )
    path.write_text(text, "utf-8")


def summary(checked: Sequence[Checked], findings: Sequence[Finding]) -> str:
    """Recordings, minutes, and how often each thing was found, in one sentence."""
    minutes = sum(each.measured.seconds for each in checked) / 60
    found = Counter(f"{each.code}{'' if each.error else ' (told only)'}" for each in findings)
    told = ", ".join(f"{count} x {code}" for code, count in found.most_common()) or "nothing"
    return f"{len(checked)} recordings, {minutes:.1f} minutes, can be used. Found: {told}."


def histogram(values: Sequence[float], name: str) -> str:
    """An SVG figure of how values are spread; nothing is drawn of none."""
    if not len(values):
        return ""
    counts, edges = np.histogram(values, bins=BARS)
    step = WIDTH / BARS
    bars = "".join(
        f'<rect x="{place * step:.1f}" y="{HEIGHT - tall:.1f}" width="{step - 1:.1f}" height="{tall:.1f}"/>'
        for place, tall in enumerate(counts / counts.max() * HEIGHT)
    )
    caption = (
        f"{html.escape(name)}: {edges[0]:.2f} to {edges[-1]:.2f}, median {np.median(values):.2f}"
    )
    return (
        f'<figure><svg width="{WIDTH}" height="{HEIGHT}" role="img">{bars}</svg>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _row(finding: Finding) -> str:
    kind = ' class="error"' if finding.error else ""
    return (
        f"<tr{kind}><td>{html.escape(str(finding.file))}<td>{finding.line}"
        f"<td>{html.escape(finding.code)}<td>{html.escape(finding.message)}</tr>"
    )
