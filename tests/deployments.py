"""A whole deployment with a stub engine for fault tests: real worker processes, on either set of parts.

`embedded`: SQLite, datagrams, `python -m worker.embedded`. `rabbitmq`: RabbitMQ, PostgreSQL, Celery workers.
What was accepted is remembered, and `check` asserts the invariants that docs/reliability.md promises.
"""

import contextlib
import hashlib
import os
import secrets
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from kombu import Connection
from sqlalchemy import make_url, select

from speech import queries
from speech.errors import Conflict
from speech.filesystem import FileStorage
from speech.jobs import FINAL, Job, NewJob
from speech.migrations import migrate
from speech.queue import open_bells
from speech.schema import jobs
from speech.settings import Settings
from speech.store import JobStore
from speech.sweeper import Sweeper
from speech.topology import DEAD, declare, lane_queue
from tests.services import Node
from tests.worker_processes import ROOT, Worker, until

# Short, so that what takes a lease in production takes a second or two here.
SHORT = {"lease_seconds": 2.0, "renew_seconds": 0.4, "sweep_seconds": 0.3, "stop_window": 1.0}


class Deployment:
    """A store, bells, storage and workers. Use as a context."""

    def __init__(
        self, folder: Path, *, node: Node | None = None, database_url: str = "", **given: Any
    ) -> None:
        self.folder = folder
        self.node = node
        self.mode = "rabbitmq" if node else "embedded"
        self.flags = folder / "flags"
        self.temporary = folder / "tmp"
        for made in (self.flags, self.temporary, folder / "data"):
            made.mkdir(parents=True)
        self.settings = Settings(
            data_dir=str(folder / "data"), database_url=database_url,
            broker_url=node.url if node else "", lanes="speech",
            plugins="tests.stub_plugin,tests.stub_storage", **{**SHORT, **given},
        )  # fmt: skip
        self.env = {
            **{name: v for name, v in os.environ.items() if not name.startswith("MOKSORI_")},
            **self.settings.to_env(),
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.temporary),
            "STUB_FLAGS": str(self.flags),
        }
        self.bells = open_bells(self.settings)
        self.store = JobStore.from_settings(self.settings, self.bells)
        migrate(self.store.db)
        self.storage = FileStorage.from_settings(self.settings)
        self.started: list[Worker] = []
        self.accepted: list[str] = []
        self.seen_final: dict[str, Job] = {}

    def __enter__(self) -> "Deployment":
        if self.node:
            self._empty_queues()
        self.start_sweeper()
        return self

    def start_sweeper(self) -> None:
        """Sweep as a server process does."""
        self.sweeper = Sweeper(self.store, self.bells, self.settings).start()

    def __exit__(self, *_error: object) -> None:
        self.sweeper.stop()
        for worker in self.started:
            worker.close()
        self.bells.close()
        self.store.db.close()

    def _empty_queues(self) -> None:
        """No test inherits another one's bells."""
        assert self.node is not None
        with Connection(self.node.url) as connection:
            declare(connection)
            with connection.channel() as channel:
                for queue in (DEAD, lane_queue("speech"), lane_queue("transcription")):
                    channel.queue_purge(queue.name)

    def renew(self) -> "Deployment":
        """For the next test: no job is open, no flag set, one speech worker is ready."""
        for flag in self.flags.iterdir():
            flag.unlink()
        for worker in self.started:
            worker.thaw()
        with self.store.db.read() as connection:
            open_ones = select(jobs.c.id).where(jobs.c.state.not_in(FINAL), jobs.c.parent.is_(None))
            ids = connection.execute(open_ones).scalars().all()
        for job_id in ids:
            with contextlib.suppress(Conflict):
                self.store.cancel(job_id, "default")
        self.accepted.clear()
        self.worker()
        return self

    # Workers ---------------------------------------------------------------------------------------

    def start_worker(self, *lanes: str, **env: str) -> Worker:
        """Start a worker of these lanes (speech), with further environment variables."""
        worker = Worker(self, lanes or ("speech",), env)
        worker.plain = not env
        self.started.append(worker)
        return worker

    def worker(self) -> Worker:
        """The one ready worker of the speech lane; started when there is none, others ended."""
        alive = [one for one in self.started if one.alive()]
        fit = [one for one in alive if one.lanes == ("speech",) and one.plain][:1] or [
            self.start_worker()
        ]
        for one in alive:
            if one not in fit:
                one.close()
        return fit[0].wait_ready()

    @contextlib.contextmanager
    def server(self, port: int) -> Iterator[subprocess.Popen[bytes]]:
        """The HTTP server on a port of 127.0.0.1, once it answers; killed -9 at the end."""
        command = [sys.executable, "-m", "gunicorn", "-c", "python:server.gunicorn"]
        with (self.folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, "server.wsgi:app"], env=self.env | {"MOKSORI_PORT": str(port)},
                cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            until(lambda: _answers(port), 20, lambda: (self.folder / "server.log").read_text())
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def workers(self) -> list[dict[str, Any]]:
        """The rows of living workers."""
        with self.store.db.read() as connection:
            return queries.live_workers(connection, self.store.db.now(connection))

    # Jobs ------------------------------------------------------------------------------------------

    def add(self, *, lane: str = "speech", new: dict[str, Any] | None = None, **stub: Any) -> Job:
        """Accept a job whose engine does what `stub` says; `new` are further fields of NewJob."""
        made = NewJob("speech", lane, {"input": "안녕하세요", "stub": stub}, **(new or {}))  # type: ignore[arg-type]
        job, _ = self.store.create(made)
        self.accepted.append(job.id)
        return job

    def get(self, job: Job) -> Job:
        """The job as the store has it now."""
        found = self.store.get(job.id, "default")
        if found.final:
            before = self.seen_final.setdefault(job.id, found)
            assert before == found, f"final has changed: {before} to {found}"
        return found

    def wait_for(self, job: Job, seconds: float = 20, **wanted: Any) -> Job:
        """The job once its fields are as wanted."""
        until(
            lambda: all(getattr(self.get(job), name) == value for name, value in wanted.items()),
            seconds, lambda: f"{wanted} of {self.get(job)}; {self.tails()}", 0.01,
        )  # fmt: skip
        return self.get(job)

    def wait(self, job: Job, seconds: float = 20) -> Job:
        """The job once it is final."""
        until(
            lambda: self.get(job).final, seconds,
            lambda: f"final: {self.get(job)}; {self.tails()}", 0.005,
        )  # fmt: skip
        return self.get(job)

    def at_work(self, job: Job, seconds: float = 20) -> Job:
        """The job once its engine is at work on it."""
        return self.wait_for(job, seconds, state="running", step="speaking")

    def counts(self, job: Job) -> tuple[int, int]:
        """(crashes, preemptions) of a job."""
        with self.store.db.read() as connection:
            row = connection.execute(
                select(jobs.c.crashes, jobs.c.preemptions).where(jobs.c.id == job.id)
            ).one()
        return row.crashes, row.preemptions

    def holder(self, job: Job) -> str:
        """Who works on a job: `host/boot/child`."""
        with self.store.db.read() as connection:
            found = connection.execute(select(jobs.c.holder).where(jobs.c.id == job.id)).scalar()
        return str(found)

    def tails(self) -> str:
        """The ends of the living workers' logs, for a failure's message."""
        return "\n".join(one.tail() for one in self.started if one.alive())

    # Faults ----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def flag(self, name: str, text: str = "") -> Iterator[None]:
        """A file that the stub engine or the stub storage heeds."""
        (self.flags / name).write_text(text)
        try:
            yield
        finally:
            (self.flags / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def store_away(self) -> Iterator[None]:
        """Nobody reaches the store (PostgreSQL), or nobody can write to it (SQLite)."""
        if not self.settings.database_url:
            with self._sqlite_locked():
                yield
            return
        url = make_url(self.settings.database_url)
        admin_url = url.set(database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false".encode())
            try:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [url.database],
                )
                yield
            finally:
                admin.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true".encode())

    @contextlib.contextmanager
    def _sqlite_locked(self) -> Iterator[None]:
        with self.store.db.engine.execution_options(sqlite_begin="EXCLUSIVE").begin():
            yield

    def accept_and_die(self, **stub: Any) -> Job:
        """A server that is killed -9 after the commit of a job and before it rings."""
        job_id = secrets.token_hex(16)
        done = subprocess.run(
            [sys.executable, "-c", _DYING_SERVER, job_id, repr(stub)],
            env=self.env, cwd=ROOT, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL
        self.accepted.append(job_id)
        return self.store.get(job_id, "default")

    # Invariants ------------------------------------------------------------------------------------

    def check(self, leftovers: bool = True) -> None:
        """Every accepted job is in one right final state, with one result whose bytes are whole."""
        with self.store.db.read() as connection:
            rows = connection.execute(select(jobs)).all()
        for row in rows:
            if row.root in self.accepted:
                self._check_row(row, leftovers)
        assert {row.id for row in rows} >= set(self.accepted), "an accepted job is gone"
        if leftovers:
            until(self._tidy, 5, f"no temporary files in {self.temporary}")

    def _check_row(self, row: Any, leftovers: bool) -> None:
        assert row.state in FINAL, f"not final: {row}"
        assert row.holder is None and not row.claimable and row.lease_until is None, row
        assert row.open_children == 0, row
        assert row.crashes <= self.settings.max_crashes, row
        assert row.crashes + row.preemptions <= self.settings.max_interruptions, row
        assert (row.state == "failed") == (row.error is not None), row
        if row.state == "succeeded" and row.kind != "batch":
            assert row.winner is not None and row.winner <= row.attempt
            for artifact in row.artifacts:
                self._check_bytes(artifact, row)
        folder = self.settings.data / "artifacts" / "t" / "default" / "jobs" / row.id
        stored = {path.name for path in folder.iterdir()} if folder.exists() else set()
        assert not leftovers or stored <= {str(row.winner)}, f"losers' objects: {stored} of {row}"

    def _check_bytes(self, artifact: dict[str, Any], row: Any) -> None:
        assert f"/{row.winner}/" in artifact["key"]
        for key in [artifact["key"], *row.outputs]:
            data = b"".join(self.storage.open(key))
            assert hashlib.sha256(data).hexdigest() == artifact["sha256"], f"{key} of {row}"

    def _tidy(self) -> bool:
        """True when the temporary folder holds only what living workers' children keep: empty folders."""
        kept = {".held", "child.json", "speech.json", "transcription.json"}
        walked = os.walk(
            self.temporary
        )  # passes over folders that go while it looks, as rglob does not
        return not {name for _, _, names in walked for name in names} - kept


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
            return True
    except OSError:
        return False


_DYING_SERVER = """
import ast, os, signal, sys
from speech.jobs import NewJob
from speech.queue import Silent
from speech.settings import Settings
from speech.store import JobStore
from speech.sweeper import Sweeper
from speech.topology import DEAD, declare, lane_queue

class Dies(Silent):
    def ring(self, lane, job_id):
        os.kill(os.getpid(), signal.SIGKILL)

store = JobStore.from_settings(Settings.from_env(), Dies())
request = {"input": "안녕하세요", "stub": ast.literal_eval(sys.argv[2])}
store.create(NewJob("speech", "speech", request, id=sys.argv[1]))
"""
