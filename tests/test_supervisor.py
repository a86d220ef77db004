"""`moksori serve`'s supervisor: what it refuses, what it starts again, and that it ends what it began."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from moksori import supervisor as module
from moksori.programs import Program, programs
from moksori.supervisor import Supervisor, WontStart
from speech import access
from speech.access import NewKey
from speech.database import Database
from speech.jobs import NewJob
from speech.settings import Settings
from tests.services import free_port
from tests.worker_processes import until
from worker.child import BROKEN

SLEEPS = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit(0)); time.sleep(60)"


@pytest.fixture
def settings(tmp_path):
    return Settings(
        data_dir=str(tmp_path / "data"), lanes="speech", stop_window=0.2, port=free_port()
    )


@pytest.fixture
def played(monkeypatch):
    """Play the programs with these Python lines: (server, worker)."""

    def play(server=SLEEPS, worker=SLEEPS):
        found = [
            Program("server", [sys.executable, "-c", server], worker=False),
            Program("worker", [sys.executable, "-c", worker], worker=True),
        ]
        monkeypatch.setattr(module, "programs", lambda _settings: found)
        return found

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    yield play
    for number, handler in zip((signal.SIGTERM, signal.SIGHUP), before, strict=True):
        signal.signal(number, handler)


def test_listening_beyond_this_machine_needs_a_key(settings, played):
    played()
    settings = replace(settings, host="0.0.0.0")
    with pytest.raises(WontStart, match="moksori keys create"), Supervisor(settings):
        pass
    db = Database(settings.store_url)
    access.create(db, NewKey("web", ("read",)))
    db.close()
    with Supervisor(settings) as supervisor:
        assert [program.process.poll() for program in supervisor.programs] == [None, None]


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_ipv6_address_is_listened_on_asked_and_found_taken(settings, played, monkeypatch, host):
    settings = replace(settings, host=host)
    played()
    server, _ = programs(settings)
    monkeypatch.setattr(module, "programs", lambda _settings: [server])
    with Supervisor(settings) as supervisor:
        until(supervisor._server_answers, 30, "the server answers")
        with pytest.raises(WontStart, match=f"Port {settings.port} of ::1 cannot be used"):
            module.refuse_taken_port(settings)


def test_a_second_one_in_the_same_folder_is_refused(settings, played):
    played()
    with Supervisor(settings), pytest.raises(WontStart, match="MOKSORI_DATA_DIR"):
        with Supervisor(settings):
            pass


def test_its_own_database_is_migrated_and_one_that_was_named_only_checked(
    settings, played, tmp_path
):
    played()
    with Supervisor(settings) as running:
        assert running.store.page("default") == ([], None)
    named = replace(
        settings, data_dir=str(tmp_path / "b"), database_url=f"sqlite:///{tmp_path}/named.db"
    )
    with pytest.raises(WontStart, match="moksori migrate"), Supervisor(named):
        pass


def test_a_worker_that_dies_is_started_again_and_its_rows_are_freed(settings, played):
    _, worker = played()
    with Supervisor(settings) as running:
        running.store.create(NewJob("speech", "speech", {}))
        job = running.store.claim("speech", f"{running.host}/{worker.boot}/speech-1")
        first = worker.process.pid
        (running.settings.data / "bells").mkdir(exist_ok=True)
        stale = running.settings.data / "bells" / f"worker-{first}-0"
        stale.write_text("1")
        worker.process.kill()
        until(lambda: running._tend() or _runs_another(worker, first), 5, "it runs again")
        assert running.store.get(job.id, "default").state == "queued"
        assert not stale.exists()


def _runs_another(program, pid):
    return program.process is not None and program.process.pid != pid


def test_rows_that_a_killed_service_held_are_freed_at_the_next_start(settings, played):
    played()
    with Supervisor(settings) as running:
        running.store.create(NewJob("speech", "speech", {}))
        job = running.store.claim("speech", f"{running.host}/dead/speech-1")
    with Supervisor(settings) as again:
        assert again.store.get(job.id, "default").state == "queued"


def test_a_worker_whose_models_do_not_load_ends_the_service(settings, played):
    played(worker=f"import os; os._exit({BROKEN})")
    with pytest.raises(WontStart, match="moksori doctor"), Supervisor(settings) as running:
        until(lambda: running._tend(), 5, "it gives up")


def test_a_server_that_ends_at_once_ends_the_service(settings, played):
    played(server="raise SystemExit(3)")
    with pytest.raises(WontStart, match="3"), Supervisor(settings) as running:
        until(lambda: running._tend(), 5, "it gives up")


def test_all_that_was_started_ends_with_it(settings, played):
    # One that ignores every polite word is killed after the window.
    deaf = (
        "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; time.sleep(60)"
    )
    found = played(worker=deaf)
    with Supervisor(settings):
        pass
    assert all(program.process.returncode is not None for program in found)


def test_sigterm_ends_the_watch(settings, played):
    played()
    with Supervisor(settings) as running:
        os.kill(os.getpid(), signal.SIGTERM)
        running.watch()


def test_each_mode_has_its_programs():
    embedded = programs(Settings())
    assert [one.name for one in embedded] == ["server", "worker"]
    assert embedded[1].command[1:] == ["-m", "worker.embedded"]
    celery = programs(Settings(broker_url="amqp://x"))
    assert [one.name for one in celery] == ["server", "speech worker", "transcription worker"]
    assert celery[1].env == {"MOKSORI_LANES": "speech"}
    assert "moksori.speech.v1" in celery[1].command


def test_a_worker_ends_when_whoever_started_it_is_killed(tmp_path):
    code = (
        "import subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-m', 'worker.embedded'], stdin=subprocess.PIPE);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    env = {
        **os.environ,
        "MOKSORI_DATA_DIR": str(tmp_path / "data"),
        "MOKSORI_PLUGINS": "tests.stub_plugin",
        "TMPDIR": str(tmp_path),
    }
    subprocess.run(
        [sys.executable, "-m", "moksori", "migrate"], env=env, check=True, capture_output=True
    )
    starter = subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE)
    pid = int(starter.stdout.readline())
    until(lambda: list((tmp_path / "data" / "bells").glob("worker-*")), 20, "the worker runs")
    starter.kill()
    starter.wait(5)
    starter.stdout.close()
    until(lambda: not _lives(pid), 10, "the worker ends")


def _lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().split()[2] != "Z"
    except OSError:
        return False
