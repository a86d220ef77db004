"""Says by its exit code whether a worker runs here with its models loaded: `python -m worker.health`.

For the health check of a container, which has no port to ask. It reads what children write of themselves.
"""

import sys

import psutil

from worker import scratch
from worker.state import read_state


def main() -> int:
    """0 when some child is ready and lives, else 1."""
    states = [read_state(path) for path in scratch.BASE.glob(f"{scratch.PREFIX}*/*.json")]
    return 0 if any(one.get("ready") and psutil.pid_exists(one["pid"]) for one in states) else 1


if __name__ == "__main__":
    sys.exit(main())
