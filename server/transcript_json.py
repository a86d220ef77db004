"""Transcripts and cues as JSON, for a page beside a player and for the player itself."""

from dataclasses import asdict
from itertools import groupby
from typing import Any

from server.transcript_view import View
from speech.corrections import text_of
from speech.cue_checks import broken, line_lengths, report, speed, with_previous
from speech.cue_rules import CueRules
from speech.cues import Cue
from speech.syllables import syllables
from speech.transcript import Segment, Word
from speech.words import Placed, sentence_numbers

Sources = list[Segment]  # the segment that each word was heard in, by the word's id


def transcript_json(view: View, with_syllables: bool = False) -> dict[str, Any]:
    """What a transcript page needs: sentences, cues, words, and who speaks where that is known."""
    told, sources = view.transcript, sources_of(view)
    return {
        "id": view.job.id,
        "object": "transcript",
        "version": view.version,
        "language": told.language,
        "language_probability": told.language_probability,
        "task": told.task,
        "duration": told.duration,
        "engine": told.engine,
        "coverage": told.coverage.to_json() if told.coverage else None,
        "repairs": [asdict(one) for one in told.repairs],
        "text": text_of(view.words),
        "speakers": list(dict.fromkeys(one.speaker for one in view.words if one.speaker)),
        "sentences": sentences_json(view.words, sources),
        "cues": cues_json(view.cues, view.rules),
        "words": [_word(one, with_syllables) for one in view.words],
    }


def cue_file(view: View) -> dict[str, Any]:
    """The cues alone, the rules they were cut by, and a report of them."""
    cues = view.cues
    return {
        "id": view.job.id,
        "object": "cues",
        "version": view.version,
        "language": view.transcript.language,
        "duration": view.transcript.duration,
        "preset": view.preset,
        "rules": asdict(view.rules),
        "report": report(cues, view.rules),
        "cues": cues_json(cues, view.rules),
    }


def cues_json(cues: list[Cue], rules: CueRules) -> list[dict[str, Any]]:
    """Each cue with its id, the ids of its words, its times, lines and what it breaks."""
    return [
        {
            "id": cue.id,
            "first": cue.first,
            "last": cue.last,
            "start": cue.start_ms / 1000,
            "end": cue.end_ms / 1000,
            "text": cue.text,
            "lines": list(cue.lines),
            "line_lengths": line_lengths(cue, rules),
            "characters_per_second": speed(cue, rules),
            "breaks": [fault.rule for fault in broken(cue, before, rules)],
        }
        for cue, before in with_previous(cues)
    ]


def sentences_json(words: list[Placed], sources: Sources) -> list[dict[str, Any]]:
    """Each sentence with its times, the ids of its words, its speaker where it has only one, and all its flags."""
    numbered = zip(sentence_numbers([one.word for one in words]), words, strict=True)
    found = []
    for number, (_, group) in enumerate(groupby(numbered, key=lambda one: one[0])):
        said = [one for _, one in group]
        voices = {one.speaker for one in said}
        found.append(
            {
                "id": number,
                "first": said[0].first,
                "last": said[-1].last,
                "start": said[0].word.start,
                "end": said[-1].word.end,
                "text": text_of(said),
                "speaker": voices.pop() if len(voices) == 1 else None,
                "flags": sorted({flag for one in said for flag in sources[one.first].flags}),
            }
        )
    return found


def sources_of(view: View) -> Sources:
    """The segment of each word as heard."""
    return [segment for segment in view.transcript.segments for _ in segment.words]


def _word(one: Placed, with_syllables: bool) -> dict[str, Any]:
    told = {
        "first": one.first,
        "last": one.last,
        "word": one.word.word,
        "start": one.word.start,
        "end": one.word.end,
        "probability": one.word.probability,
        "sentence": one.word.sentence,
        "time_source": one.word.time_source,
        "speaker": one.speaker,
    }
    return told | (
        {"syllables": [_syllable(s) for s in syllables(one.word)]} if with_syllables else {}
    )


def _syllable(one: Word) -> dict[str, Any]:
    return {
        "text": one.word,
        "start": one.start,
        "end": one.end,
        "time_source": one.time_source,
    }
