"""How much graphics memory is in use, as the driver's own tool says."""

import shutil
import subprocess

QUERY = ("--query-gpu=memory.used", "--format=csv,noheader,nounits")


def memory_used() -> int | None:
    """Bytes in use on all cards; None where there is no card or no nvidia-smi."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        said = subprocess.run(
            [program, *QUERY], capture_output=True, text=True, timeout=5, check=True
        )
        return sum(int(line) for line in said.stdout.split()) * 1024 * 1024
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
