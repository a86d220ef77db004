"""What cues are found to break."""

from dataclasses import dataclass, replace

import pytest

from speech.cue_checks import broken, line_lengths, report, speed
from speech.cue_rules import PRESETS

RULES = replace(PRESETS["broadcast"], max_chars=30)


@dataclass(frozen=True)
class Shown:
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


FINE = Shown(0, 2000, ("오늘은 자바의", "기초를 배웁니다"))


@pytest.mark.parametrize(
    ("cue", "rules"),
    [
        (FINE, []),
        (Shown(0, 2000, ()), ["empty"]),
        (Shown(0, 2000, (" ",)), ["empty"]),
        (Shown(500, 500, ("네",)), ["order", "max_cps"]),
        (Shown(0, 832, ("네",)), ["min_seconds"]),
        (Shown(0, 7001, ("네",)), ["max_seconds"]),
        (Shown(0, 4000, ("가" * 17,)), ["line_chars"]),
        (Shown(0, 4000, ("가", "나", "다")), ["max_lines"]),
        (Shown(0, 5000, ("가" * 16, "나" * 16)), ["max_chars"]),
        (Shown(0, 1000, ("가" * 13,)), ["max_cps"]),
    ],
)
def test_a_cue_is_held_against_each_rule(cue, rules):
    assert [fault.rule for fault in broken(cue, None, RULES)] == rules


@pytest.mark.parametrize(
    ("start", "rules"),
    [(1999, ["overlap"]), (2000, []), (2001, ["join_gap"]), (2500, ["join_gap"]), (2501, [])],
)
def test_a_cue_is_held_against_the_one_before(start, rules):
    after = Shown(start, start + 1000, ("네",))
    assert [fault.rule for fault in broken(after, FINE, RULES)] == rules


def test_a_broken_rule_says_what_was_found_and_what_is_allowed():
    (fault,) = broken(Shown(0, 500, ("네",)), None, RULES)
    assert (fault.rule, fault.found, fault.allowed) == ("min_seconds", 0.5, 0.833)


def test_lengths_and_speeds_count_as_the_rules_do():
    cue = Shown(0, 1000, ("JDK 25를", "설치"))
    assert line_lengths(cue, RULES) == [4.0, 2.0]
    assert speed(cue, RULES) == 6.5
    assert speed(cue, PRESETS["korean"]) == 10.0


def test_a_report_counts_what_is_broken():
    told = report([FINE, Shown(1000, 1500, ("가" * 17,))], RULES)
    assert told == {
        "cues": 2,
        "longest_line": 17,
        "most_lines": 2,
        "characters_per_second": {"median": 20.6, "most": 34.0},
        "broken": {"line_chars": 1, "max_cps": 1, "min_seconds": 1, "overlap": 1},
    }
    assert report([], RULES)["characters_per_second"] == {"median": 0, "most": 0}
