"""Asks this machine's server for /health: `python -m server.health_check`, for the health check of a container."""

import sys
import urllib.request

from speech.settings import Settings

PATIENCE = 4.0  # seconds


def main() -> int:
    """0 when the server answers 200, else 1."""
    url = f"http://127.0.0.1:{Settings.from_env().port}/health"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return 0 if answer.status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
