"""What an operator reads and runs: quoted log lines stand in the code, scripts and units have no fault."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest

from speech.messages import MESSAGES
from speech.settings import Settings

ROOT = Path(__file__).parent.parent
PACKAGES = ("server", "worker", "speech", "moksori", "voice_model")
DEPLOY = (ROOT / "docs" / "deploy.md").read_text("utf-8")
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
SCRIPTS = sorted((ROOT / "deploy").glob("*.sh"))


def texts() -> list[str]:
    """All that the code can say: its string constants, and the sentences of errors."""
    found = [sentence for both in MESSAGES.values() for sentence in both]
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text("utf-8"))
            found += [
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
    return found


def quoted(table: str) -> list[str]:
    """The code spans of a trouble table's second column."""
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \|", table, re.MULTILINE)[1:]
    return [span for cell in rows for span in re.findall(r"(?<!\d )`([^`]+)`", cell)]


def test_every_log_line_of_the_trouble_table_is_one_that_the_code_writes():
    said, lines = texts(), quoted(DEPLOY.partition("## Trouble")[2])
    assert len(lines) > 15
    lost = [
        (line, part)
        for line in lines
        for part in (one.strip(" .;()") for one in line.split("…"))
        if part and not any(part in text for text in said) and part not in MESSAGES
    ]
    assert lost == []


def test_a_line_that_nobody_writes_is_noticed():
    table = "| a | b | c |\n|---|---|---|\n| x | `no such line … here` 404 `link_invalid` | y |\n"
    assert quoted(table) == ["no such line … here"]
    assert not any("no such line" in text for text in texts())


def test_the_table_of_pins_is_what_is_locked():
    locks = "".join(path.read_text("utf-8") for path in (ROOT / "requirements").glob("*.txt"))
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)$", locks, re.MULTILINE))
    names = ("onnxruntime", "ctranslate2", "nvidia-cublas-cu12", "torch")
    rows = re.findall(r"^\| ([a-z0-9-]+) \|(.+)\|$", DEPLOY, re.MULTILINE)
    shown = {name: set(re.findall(r"\b\d+\.\d+\.\d[\d.]*", cells)) for name, cells in rows}
    assert {name: locked[name] in shown[name] for name in names} == dict.fromkeys(names, True)
    assert f"nvidia-cudnn-cu13 {locked['nvidia-cudnn-cu13']}" in DEPLOY


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_has_no_fault(path):
    done = subprocess.run(["shellcheck", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_has_no_fault_and_little_exposure(path, tmp_path):
    text = path.read_text("utf-8").replace("/opt/moksori/.venv/bin/", f"{tmp_path}/")
    for program in ("moksori", "gunicorn", "celery"):
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    unit = tmp_path / path.name
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and path.name not in done.stderr, done.stderr
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--json=short", "--threshold=25", unit],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_gives_time_to_stop_and_reads_secrets_by_file(path):
    text = path.read_text("utf-8")
    stop = int(re.findall(r"TimeoutStopSec=(\d+)", text)[0])
    assert stop >= (20 if "server" in path.name else Settings().stop_window + 15)
    for name in re.findall(r"%d/(\w+)", text):
        assert f"LoadCredential={name}:/etc/moksori/secrets/{name}" in text
    assert not re.search(r"MOKSORI_(SECRET|BROKER_URL|DATABASE_URL)=", text)
