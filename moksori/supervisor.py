"""The processes behind `moksori serve`: a server and its workers, started, watched, and ended together."""

import contextlib
import fcntl
import logging
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable
from types import FrameType, TracebackType

from moksori.programs import Program, programs
from moksori.terminal import language
from server.process import refuse_open_bind
from speech import migrations
from speech.errors import SpeechError, Unavailable
from speech.queries import live_workers
from speech.queue import open_bells
from speech.settings import Settings
from speech.store import JobStore
from worker.child import BROKEN, host_name

log = logging.getLogger(__name__)

PATIENCE = 300.0  # seconds for the first load of the models


class WontStart(Exception):
    """The service cannot start; the sentence says what to do."""


class Supervisor:
    """A context: the programs run inside it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.host = host_name(settings)
        self.stop = threading.Event()
        self._held = contextlib.ExitStack()  # lock, store and bells

    def __enter__(self) -> "Supervisor":
        refuse_taken_port(self.settings)
        self.settings.data.mkdir(parents=True, exist_ok=True)
        try:
            self._take_lock()
            shutil.rmtree(self.settings.data / "bells", ignore_errors=True)
            self._open_store()
        except WontStart:
            self._held.close()
            raise
        self.programs = programs(self.settings)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        for program in self.programs:
            self._start(program)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for program in self.programs:
            if program.process is not None and program.process.poll() is None:
                program.process.send_signal(signal.SIGINT if program.worker else signal.SIGTERM)
        deadline = time.monotonic() + self.settings.stop_window + 3
        for program in self.programs:
            self._end(program, deadline)
        self._held.close()

    def wait_until_ready(self, say: Callable[[str], None]) -> None:
        """Return when every lane has a worker with its models loaded. Raises WontStart."""
        began = time.monotonic()
        say("Starting: server, speech and transcription workers …")
        seen: set[str] = set()
        wanted = set(self.settings.lane_names)
        while not (wanted <= seen and self._server_answers()):
            self._tend()
            if self.stop.is_set():
                raise KeyboardInterrupt
            if time.monotonic() - began > PATIENCE:
                raise WontStart("The models did not load in time. Try: moksori doctor")
            for lane in self._lanes_ready() - seen:
                seen.add(lane)
                say(f"  {lane} worker ready after {time.monotonic() - began:.1f} s")
            time.sleep(0.05)
        say(f"Serving at {self.settings.links_url}")

    def watch(self) -> None:
        """Keep the programs running until told to stop. Raises WontStart when models stop loading."""
        while not self.stop.wait(0.1):
            self._tend()

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop.set()

    def _take_lock(self) -> None:
        lock = self._held.enter_context((self.settings.data / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WontStart(
                f"Another moksori serves from {self.settings.data}. Stop it, or set MOKSORI_DATA_DIR."
            ) from None

    def _open_store(self) -> None:
        """Our own SQLite file is migrated; a database somebody named is only checked."""
        bells = open_bells(self.settings)
        self._held.callback(bells.close)
        self.store = JobStore.from_settings(self.settings, bells)
        self._held.callback(self.store.db.close)
        try:
            if self.settings.database_url:
                migrations.check(self.store.db)
            else:
                migrations.migrate(self.store.db)
            refuse_open_bind(self.settings)
            if self.settings.embedded:
                # We hold the lock, so whoever held a row from this folder is dead.
                self.store.release(f"{self.host}/", "preempted")
        except SpeechError as error:
            raise WontStart(error.message(language())) from None

    def _start(self, program: Program) -> None:
        program.boot = f"{uuid.uuid4().hex[:12]}"
        env = {**os.environ, **self.settings.to_env(), **program.env, "MOKSORI_BOOT": program.boot}
        program.process = subprocess.Popen(
            program.command,
            env=env,
            stdin=subprocess.PIPE,  # its end tells a worker that we are gone, however we went
            start_new_session=True,  # Ctrl-C reaches us, and we end the others in order
        )
        program.born = time.monotonic()

    def _tend(self) -> None:
        for program in self.programs:
            if program.process is None:
                if time.monotonic() - program.born > program.pause:
                    self._start(program)
            elif (code := program.process.poll()) is not None:
                self._bury(program, code)

    def _bury(self, program: Program, code: int) -> None:
        assert program.process is not None
        if code == BROKEN:
            raise WontStart("The models do not load (the log above says why). Try: moksori doctor")
        lived = time.monotonic() - program.born
        if not program.worker and lived < 2:
            raise WontStart(f"The server ended with {code} at once; the log above says why.")
        log.warning("%s ended with %s; starting it again", program.name, code)
        self._release(program)
        program.close_pipe()
        for address in (self.settings.data / "bells").glob(f"*-{program.process.pid}-*"):
            address.unlink(missing_ok=True)  # nobody listens there any more
        program.process, program.born = None, time.monotonic()
        program.pause = 0.2 if lived > 10 else min(5.0, program.pause * 2)

    def _release(self, program: Program) -> None:
        if program.worker:
            try:
                self.store.release(f"{self.host}/{program.boot}/", "preempted")
            except Unavailable:
                log.warning("the store does not answer; the worker's leases will run out")

    def _end(self, program: Program, deadline: float) -> None:
        if program.process is None:
            return
        try:
            program.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(program.process.pid, signal.SIGKILL)  # each leads a session of its own
            program.process.wait()
            self._release(program)
        program.close_pipe()

    def _server_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.settings.address}/health", timeout=5):
                return True
        except OSError:
            return False

    def _lanes_ready(self) -> set[str]:
        boots = {program.boot for program in self.programs if program.worker}
        with self.store.db.read() as connection:
            workers = live_workers(connection, self.store.db.now(connection))
        mine = [one for one in workers if one["id"].rpartition("/")[2] in boots]
        return {
            lane
            for one in mine
            for lane in one["lanes"]
            if one["ready"] or one["details"].get(lane, {}).get("ready")
        }


def refuse_taken_port(settings: Settings) -> None:
    """A port that somebody listens on cannot be ours. Raises WontStart."""
    host = settings.host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, settings.port))
        except OSError as error:
            raise WontStart(
                f"Port {settings.port} of {host} cannot be used ({error.strerror}). "
                f"Choose another: make run PORT={settings.port + 1}"
            ) from None
