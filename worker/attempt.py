"""One attempt at one job: what a handler is given, and what it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speech.errors import Cancelled
from speech.jobs import Artifact, Job, NewJob
from speech.korean.lexicon import Lexicon
from speech.lexicon import Entry
from speech.settings import Settings
from speech.storage import Storage
from speech.transcript import Segment
from speech.voices import Voice
from worker.lexicons import EMPTY

if TYPE_CHECKING:
    from worker.sound_cache import Sounds


@dataclass(frozen=True)
class NewArtifact:
    """A file that a handler made in its work folder, to be stored under the attempt."""

    name: str  # "speech.wav"
    path: Path
    content_type: str


@dataclass(frozen=True)
class Made:
    """Sound that may be of use again: worker/sound_cache.py."""

    key: str  # what is heard in it
    member: int
    formats: list[str]
    times: Path  # when each letter is said


@dataclass(frozen=True)
class Done:
    """The job's work is finished."""

    artifacts: Sequence[NewArtifact | Artifact]  # to be stored, or stored under the attempt already
    result: dict[str, Any]  # the kind's own, as the API shows it
    usage: dict[str, float] = field(default_factory=dict)  # audio_seconds, characters
    warnings: list[Any] = field(default_factory=list)
    reuse: str | None = None  # the key by which later jobs find this one: worker/reuse.py
    made: Made | None = None  # sound to be kept


@dataclass(frozen=True)
class Split:
    """The job's work is done by parts; the job comes back in phase "join" once all have succeeded.

    Each part is a NewJob of kind "part" whose request says what to do; its `input` may name a key that
    this attempt has stored with `Attempt.store`.
    """

    parts: list[NewJob]


@dataclass
class Attempt:
    """What a handler works with. `job.phase` is "work" or "join"."""

    job: Job
    settings: Settings
    storage: Storage
    models: dict[str, Any]  # by lane: what load_models of that lane returned
    workdir: Path  # private, removed afterwards
    fetch_input: Callable[[], Path]  # the job's input as a local file, under our own name
    parts: Callable[[], list[Job]]  # the succeeded children, in order; for a join
    on_progress: Callable[[float, str], None]
    on_piece: Callable[[dict[str, Any]], None]
    on_store: Callable[[str, Path, str], str]
    stopping: Callable[[], bool]
    on_news: Callable[[], None] = lambda: None
    # What holds for a member of the job's tenant.
    lexicon: Callable[[int], Lexicon] = lambda member: EMPTY
    entries: Callable[[], list[Entry]] = list  # what holds for every member of it
    refuse_revoked: Callable[[Voice], None] = lambda voice: (
        None
    )  # raises Forbidden("voice_revoked")
    sounds: "Sounds | None" = None  # the cache, where there is one
    find_same: Callable[[str], Job | None] = lambda key: None  # the tenant's job with this `reuse`

    def progress(self, fraction: float, step: str) -> None:
        """Tell how far the work is: `fraction` in [0, 1], `step` a word such as "decoding"."""
        self.on_progress(fraction, step)

    def piece(self, data: dict[str, Any]) -> None:
        """Publish one finished sentence or segment to whoever watches the job."""
        self.on_piece(data)

    def tell(self) -> None:
        """Let those who watch the job know now what is ready, not in a moment."""
        self.on_news()

    def heard(self, segment: Segment) -> None:
        """Publish a segment of a transcript."""
        told = {"id": segment.id, "start": segment.start, "end": segment.end, "text": segment.text}
        self.on_piece(told)

    def store(self, name: str, path: Path, content_type: str) -> str:
        """Store a file under this attempt now (a part's input); returns its key."""
        return self.on_store(name, path, content_type)

    def check(self) -> None:
        """Call between sentences and segments. Raises Cancelled when the job is to stop."""
        if self.stopping():
            raise Cancelled
