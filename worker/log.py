"""Logging of worker processes: one line an event, to standard error; texts and transcripts are never logged."""

import logging

from speech.settings import Settings


def set_up_logging(settings: Settings) -> None:
    """Log at the level of the settings."""
    logging.basicConfig(
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
