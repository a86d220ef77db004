"""Debian's nginx with the shipped configuration, as a private process: only ports and paths are other ones."""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.services import free_port, kill_group, until

SHIPPED = Path(__file__).parent.parent / "deploy" / "nginx"


@contextlib.contextmanager
def nginx(folder: Path, server_port: int, port: int | None = None) -> Iterator[int]:
    """nginx in front of a port of loopback; yields the port that it listens on. Logs and bodies are in `folder`."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        raise RuntimeError(
            "nginx is not installed, and the tests do not skip it: apt-get install -y nginx"
        )
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    conf = _configured(folder, server_port, port)
    command = [program, "-c", conf, "-p", folder, "-e", folder / "error.log"]
    # Under root nginx would give its workers to another user, who may not write here.
    plain = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
    process = subprocess.Popen([*command, "-g", plain], start_new_session=True)
    try:
        until(lambda: _listens(port, process), 20, "nginx listens")
        yield port
    finally:
        kill_group(process)


def _configured(folder: Path, server_port: int, port: int) -> Path:
    text = (SHIPPED / "nginx.conf").read_text("utf-8")
    for theirs, ours in {
        "flask:8000": f"127.0.0.1:{server_port}",
        "/etc/nginx/": f"{folder}/",
        "/var/cache/nginx/": f"{folder}/",
        "/tmp/nginx": f"{folder}/nginx",
        "/dev/stdout": f"{folder}/access.log",
        "error_log stderr": f"error_log {folder}/error.log",
    }.items():
        assert theirs in text, f"the shipped configuration no longer names {theirs}"
        text = text.replace(theirs, ours)
    (folder / "nginx.conf").write_text(text)
    listen = (SHIPPED / "listen-http.conf").read_text("utf-8")
    (folder / "listen.conf").write_text(listen.replace("8080", f"127.0.0.1:{port}"))
    return folder / "nginx.conf"


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "nginx ended at once"
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
