"""Bells that only write down what was rung."""

from collections.abc import Callable


class RecordedBells:
    """`rung` holds (lane, job id), `published` (job id, sequence number), in order."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, str]] = []
        self.published: list[tuple[str, int]] = []
        self._listeners: list[Callable[[str, int], None]] = []

    def ring(self, lane: str, job_id: str) -> None:
        """Write it down."""
        self.rung.append((lane, job_id))

    def publish(self, job_id: str, seq: int) -> None:
        """Write it down, and tell who listens."""
        self.published.append((job_id, seq))
        for heard in list(self._listeners):
            heard(job_id, seq)

    def ready(self, lane: str) -> int | None:
        """None wait: nobody answers these bells."""
        return 0

    def dead(self) -> int | None:
        """None are refused."""
        return 0

    def listen(self, heard: Callable[[str, int], None]) -> Callable[[], None]:
        """Call `heard` for every event, in the thread that published it."""
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard)

    def probe(self) -> float | None:
        """There is no broker."""
        return None

    def close(self) -> None:
        """Nothing to let go of."""

    def clear(self) -> None:
        """Forget what was rung."""
        self.rung.clear()
        self.published.clear()
