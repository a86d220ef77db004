"""Bells: hints that wake workers and watchers. The row is the truth; a bell may be lost, doubled or late."""

from collections.abc import Callable
from typing import Protocol

from speech.settings import Settings


class Bells(Protocol):
    """Carries rings (work is there) and events (a job changed). No method blocks on a broker or raises."""

    def ring(self, lane: str, job_id: str) -> None:
        """Wake a worker of `lane`; the id is for the logs."""

    def publish(self, job_id: str, seq: int) -> None:
        """Tell watchers that a job has reached this sequence number."""

    def ready(self, lane: str) -> int | None:
        """How many bells of a lane wait to be answered; None when that cannot be known now."""

    def dead(self) -> int | None:
        """How many bells were refused too often and put aside; None when that cannot be known now."""

    def listen(self, heard: Callable[[str, int], None]) -> Callable[[], None]:
        """Call `heard(job_id, seq)` from a thread for every event; returns a function that stops it."""

    def probe(self) -> float | None:
        """Seconds of a round trip to the broker; None when it does not answer or there is none."""

    def close(self) -> None:
        """Send what is waiting, for a moment, and let go."""


class Silent:
    """No bells: for a store that nobody waits on, as in `moksori migrate` and unit tests."""

    def ring(self, lane: str, job_id: str) -> None:
        """Nobody hears it."""

    def publish(self, job_id: str, seq: int) -> None:
        """Nobody hears it."""

    def ready(self, lane: str) -> int | None:
        """Not known."""
        return None

    def dead(self) -> int | None:
        """Not known."""
        return None

    def listen(self, heard: Callable[[str, int], None]) -> Callable[[], None]:
        """Nothing will be heard."""
        return lambda: None

    def probe(self) -> float | None:
        """There is no broker."""
        return None

    def close(self) -> None:
        """Nothing to let go of."""


def open_bells(settings: Settings) -> Bells:
    """RabbitMQ's bells when a broker is set, else loopback datagrams."""
    if settings.broker_url:
        from speech.rabbit import RabbitBells  # kombu is not needed on one machine

        return RabbitBells(settings)
    from speech.datagrams import DatagramBells

    return DatagramBells(settings.data / "bells")
