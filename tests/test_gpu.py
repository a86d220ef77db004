"""Graphics memory as nvidia-smi tells it; a script stands in for the program, through the same door."""

from pathlib import Path

import pytest

from worker.gpu import MIB, memory


def _program(folder: Path, text: str) -> None:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_the_memory_of_all_cards_is_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path, "printf '512, 16384\\n1024, 24576\\n'")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert memory() == {"gpu_memory_used": 1536 * MIB, "gpu_memory_total": 40960 * MIB}


def test_a_driver_that_does_not_answer_is_no_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path, "echo 'NVIDIA-SMI has failed'; exit 9")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert memory() == {}


def test_a_machine_without_the_program_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert memory() == {}
