"""The memory that a process keeps for what it asks for next, seen from the kernel's side."""

import ctypes
import subprocess
import sys

import pytest

from worker import heap

MEGABYTES = 256
PAGES = MEGABYTES * 256  # of 4 KiB
SCRIPT = f"""
import ctypes, resource, sys
from worker.heap import give_back, keep_freed

def blocks():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = ctypes.create_string_buffer({MEGABYTES} << 20)
    ctypes.memset(block, 1, len(block))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(open("/proc/self/statm").read().split()[1])

if sys.argv[1] == "kept":
    assert keep_freed()
faults = [blocks() for _ in range(3)]
held = resident()
give_back()
print(faults[-1], held - resident())
"""
needs_glibc = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library cannot be told"
)


def faults_and_given_back(how: str) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True
    )
    return [int(number) for number in done.stdout.split()]


@needs_glibc
def test_a_freed_block_is_used_again_without_asking_the_kernel() -> None:
    assert faults_and_given_back("plain")[0] > PAGES // 2
    assert faults_and_given_back("kept")[0] < PAGES // 20


@needs_glibc
def test_what_was_kept_is_given_back_when_it_is_asked_for() -> None:
    assert faults_and_given_back("kept")[1] > PAGES * 0.9


def test_a_c_library_that_cannot_be_told_is_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda _: object())
    assert not heap.keep_freed()
    assert not heap.give_back()
