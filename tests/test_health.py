"""A worker's health check: ready children that live make it pass."""

import json
import os
import subprocess
import sys

import pytest

from worker import health, scratch

DEAD = 2**22 + 1  # above the kernel's largest process id


@pytest.fixture
def say(tmp_path, monkeypatch):
    """Writes what a child says of itself."""
    monkeypatch.setattr(scratch, "BASE", tmp_path)

    def write(boot, name, **state):
        folder = tmp_path / f"{scratch.PREFIX}{boot}"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(state))

    return write


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([], 1),
        ([{"ready": True, "pid": os.getpid()}], 0),
        ([{"ready": True, "pid": DEAD}], 1),
        ([{"broken": True}], 1),
        ([{"broken": True}, {"ready": True, "pid": os.getpid()}], 0),
    ],
)
def test_a_ready_child_that_lives_is_health(say, states, code):
    for n, state in enumerate(states):
        say("boot", f"lane{n}", **state)
    assert health.main() == code


def test_the_check_is_light_and_fails_where_no_worker_runs(tmp_path):
    code = "import sys; import worker.health; assert not {'celery', 'sqlalchemy', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    env = {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-m", "worker.health"], env=env, timeout=30, check=False)
    assert done.returncode == 1


@pytest.mark.slow
def test_a_real_worker_is_healthy(deployment):
    command = [sys.executable, "-m", "worker.health"]
    subprocess.run(command, env=deployment.env, timeout=30, check=True)
