"""How much graphics memory is there and in use, as the driver's own tool says."""

import shutil
import subprocess

QUERY = ("--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits")
MIB = 1024 * 1024  # what nvidia-smi counts in


def memory() -> dict[str, int]:
    """`gpu_memory_used` and `gpu_memory_total`, bytes on all cards; empty where there is no card or no nvidia-smi."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    try:
        said = subprocess.run(
            [program, *QUERY], capture_output=True, text=True, timeout=5, check=True
        )
        cards = [tuple(map(int, line.split(","))) for line in said.stdout.splitlines()]
        used, total = (MIB * sum(column) for column in zip(*cards, strict=True))
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}
    return {"gpu_memory_used": used, "gpu_memory_total": total}
