"""A worker's temporary files."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from worker import scratch
from worker.scratch import Scratch, child_folder, remove_dead


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "BASE", tmp_path)
    return tmp_path


def test_a_worker_that_ends_leaves_nothing(base):
    mine = Scratch("a")
    (child_folder("a", "speech") / "half").write_text("x")
    mine.close()
    assert not list(base.iterdir())


def test_a_new_child_removes_what_the_dead_one_left(base):
    mine = Scratch("a")
    (child_folder("a", "speech") / "half").write_text("x")
    (child_folder("a", "transcription") / "kept").write_text("x")
    child_folder("a", "speech")
    assert not (mine.path / "speech" / "half").exists()
    assert (mine.path / "transcription" / "kept").exists()
    mine.close()


def test_a_child_whose_parent_died_makes_no_folder_that_would_belong_to_nobody(base):
    with pytest.raises(FileNotFoundError):
        child_folder("gone", "speech")
    assert not list(base.iterdir())


def test_a_living_workers_folder_is_left_alone(base):
    mine = Scratch("a")
    remove_dead()
    assert mine.path.exists()
    mine.close()


def test_a_killed_workers_folder_goes_when_another_starts(base):
    code = (
        "import os, signal; from worker.scratch import Scratch, child_folder;"
        "Scratch('a'); kept = Scratch('b'); (child_folder('b', 'x') / 'half').write_text('x');"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    env = {**os.environ, "TMPDIR": str(base)}
    done = subprocess.run([sys.executable, "-c", code], env=env, timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (base / "moksori-worker-b" / "x" / "half").exists()
    mine = Scratch("c")
    assert [path.name for path in base.iterdir()] == ["moksori-worker-c"]
    mine.close()


def test_a_folder_without_a_lock_is_not_ours_to_remove(base):
    (base / "moksori-worker-strange").mkdir()
    remove_dead()
    assert (base / "moksori-worker-strange").exists()


def test_all_temporary_files_of_a_process_go_where_it_says(base, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", "elsewhere")
    scratch.use(base)
    with tempfile.NamedTemporaryFile() as file:
        assert file.name.startswith(str(base))
    assert os.environ["TMPDIR"] == str(base)
