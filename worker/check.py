"""A self-check: speech is heard again, and what was heard is held against what was to be said."""

from dataclasses import asdict, replace

from speech.differences import compare
from worker.attempt import Attempt, Done, Split
from worker.names import said
from worker.transcribe import transcribe


def check(attempt: Attempt) -> Done | Split:
    """Transcribe what a speech job has made; a warning tells the speech job how well it was understood.

    The request's `said` is the reading that was spoken. Raises what `transcribe` raises.
    """
    outcome = transcribe(attempt)
    if isinstance(outcome, Split):
        return outcome
    found = asdict(compare(attempt.job.request["said"], said(outcome.result["text"])))
    warning = {"code": "self_check", "percent": round(100 * found["error_rate"], 1), **found}
    usage = {name: amount for name, amount in outcome.usage.items() if name != "audio_seconds"}
    return replace(outcome, result=outcome.result | found, usage=usage, warnings=[warning])
