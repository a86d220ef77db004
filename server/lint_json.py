"""A subtitle file held against the rules: every fault with its line, its cue and a sentence."""

from dataclasses import asdict
from typing import Any

from speech.cue_checks import broken, report, with_previous
from speech.cue_rules import CueRules
from speech.errors import Language
from speech.messages import say
from speech.subtitle_file import SubtitleFile

MOST = 1_000  # problems told one by one


def lint_json(
    file: SubtitleFile, preset: str, rules: CueRules, language: Language
) -> dict[str, Any]:
    """What is wrong with a file, in the order of its lines; beyond MOST only the number is told."""
    problems = sorted(_problems(file, rules), key=lambda one: one["line"])
    for one in problems[:MOST]:
        one["message"] = say(f"cue_{one['rule']}", language, **one)
    return {
        "object": "lint",
        "format": file.kind,
        "ok": not problems,
        "preset": preset,
        "rules": asdict(rules),
        "report": report(file.entries, rules),
        "problems": problems[:MOST],
        "more": max(0, len(problems) - MOST),
    }


def _problems(file: SubtitleFile, rules: CueRules) -> list[dict[str, Any]]:
    of_file = [_problem(one.line, None, one.rule, one.found or None, None) for one in file.faults]
    of_cues = [
        _problem(cue.line, cue.number, fault.rule, fault.found, fault.allowed)
        for cue, before in with_previous(file.entries)
        for fault in broken(cue, before, rules)
    ]
    return of_file + of_cues


def _problem(
    line: int, cue: int | None, rule: str, found: float | str | None, allowed: float | None
) -> dict[str, Any]:
    return {"line": line, "cue": cue, "rule": rule, "found": found, "allowed": allowed}
