"""How much faster a text is that was spoken before: `python -m bench.speech_cache`.

Ten sentences by the shipped voice, through the runner, in one process: the attempt that makes the sound against
attempts that find it, one for a text that reads the same.
"""

import statistics
import tempfile
from pathlib import Path

from speech.database import Database
from speech.filesystem import FileStorage
from speech.jobs import NewJob
from speech.migrations import migrate
from speech.settings import Settings
from speech.store import JobStore
from worker.run import Runner
from worker.speak import load_speech_models

TEXT = " ".join(
    f"{number}번째 손님은 닭고기 {number}개를 사서 집으로 천천히 돌아갔습니다."
    for number in range(1, 11)
)
SAME = TEXT.replace("닭고기 3개", "닭고기 세개")
ASKED = {"voice": 1, "response_format": "wav", "formats": ["wav", "srt", "vtt", "json"]}


def attempts(folder: Path, repeats: int = 10) -> tuple[float, list[float]]:
    """Milliseconds of the first attempt, and of the repeats, the last one for a text that reads the same."""
    settings = Settings(data_dir=str(folder))
    database = Database(settings.store_url)
    migrate(database)
    store, storage = JobStore(database), FileStorage.from_settings(settings)
    models = {"speech": load_speech_models(settings)}
    runner = Runner(store, storage, settings, models, "bench/boot/child")
    times = [_attempt(store, runner, text) for text in [*[TEXT] * (repeats + 1), SAME]]
    database.close()
    return times[0], times[1:]


def _attempt(store: JobStore, runner: Runner, text: str) -> float:
    job, made = store.create(NewJob("speech", "speech", {"input": text, **ASKED}))
    assert made and runner.run_next("speech")
    assert store.get(job.id, job.tenant).state == "succeeded"
    assert runner.response_ms is not None
    return runner.response_ms


def main() -> None:
    """Print the times and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        first, again = attempts(Path(folder))
    print(f"first {first:.0f} ms, again {statistics.median(again):.1f} ms (median of {len(again)})")
    print(
        f"{first / statistics.median(again):.0f} times faster; reads the same: {again[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
