"""Private services for tests: PostgreSQL and RabbitMQ on free loopback ports, in their own folders.

Each is a context manager that stops what it started, also after a failure; nothing of a service that the
machine itself runs is used or disturbed. A program that is missing is an error which names the apt packages.
"""

import contextlib
import glob
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

_MISSING = "{what} is not installed, and the tests do not skip it: apt-get install -y {packages}"
# The kernel ends the service with the test run, even one that was killed with -9.
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for a condition; fails with `what` when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"After {seconds} s still not true: {what}")
        time.sleep(0.05)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 a process and all that it started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


@contextlib.contextmanager
def _folder(owner: str | None = None) -> Iterator[Path]:
    """A folder with a short name (a socket's path has 107 characters at most), removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="moksori-"))
    try:
        if owner:
            user = pwd.getpwnam(owner)
            os.chown(folder, user.pw_uid, user.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The URL of a new PostgreSQL cluster's database; it never waits for the disk (fsync is off)."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found or not shutil.which("setpriv"):
        raise RuntimeError(
            _MISSING.format(what="PostgreSQL", packages="postgresql postgresql-contrib util-linux")
        )
    programs = Path(found[-1]).parent
    owner = "postgres" if os.getuid() == 0 else None  # initdb refuses root
    as_owner = ("--reuid", owner, "--regid", owner, "--clear-groups") if owner else ()
    prefix = [*_WITH_US, *as_owner]
    with _folder(owner) as folder:
        subprocess.run(
            [*prefix, programs / "initdb", "-D", folder / "data", "-U", "moksori", "-A", "trust",
             "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"],
            check=True, capture_output=True, timeout=60, cwd=folder,
        )  # fmt: skip
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": folder,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 200,
            "shared_buffers": "64MB",
            "deadlock_timeout": "200ms",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*prefix, programs / "postgres", "-D", folder / "data", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                start_new_session=True,
            )  # fmt: skip
        try:
            url = f"postgresql://moksori@127.0.0.1:{port}/postgres"
            until(lambda: _answers(url, server), 30, f"PostgreSQL answers: {_tail(folder / 'log')}")
            yield url
        finally:
            server.send_signal(signal.SIGQUIT)  # at once; its children see it and end
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(5)
            kill_group(server)


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, "PostgreSQL ended while it started"
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2).close()
        return True
    return False


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-2000:] if path.exists() else ""


class Node:
    """A private RabbitMQ node; `url` is good again after every start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._name = f"moksori-{secrets.token_hex(4)}@localhost"
        self._cookie = secrets.token_hex(16)
        self._epmd_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._programs = Path("/usr/lib/rabbitmq/bin")
        self._env = self._environment()
        self._configure()
        self._epmd = subprocess.Popen(
            [*_WITH_US, "epmd"], env=self._env, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        """Its own ports, folders and cookie, all on loopback; nothing of the system's node."""
        dist = free_port()
        cookie = f"-setcookie {self._cookie}"
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "none.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{cookie} {loopback} +sbwt none +S 2:2",
            "RABBITMQ_CTL_ERL_ARGS": cookie,
            # As under systemd the launcher becomes the node itself instead of staying beside it.
            "NOTIFY_SOCKET": str(self.folder / "nobody-listens"),
        }

    def _configure(self) -> None:
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text(
            "log.console = false\nvm_memory_high_watermark.absolute = 1GB\n"
            "disk_free_limit.absolute = 50MB\n"
        )

    def start(self) -> None:
        """Start (again) and return when clients are served."""
        assert self._process is None, "the node runs already"
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [*_WITH_US, str(self._programs / "rabbitmq-server")], env=self._env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.folder,
                start_new_session=True,
            )  # fmt: skip
        until(self._serves, 90, f"RabbitMQ answers: {_tail(self.folder / 'out')}")

    def _serves(self) -> bool:
        """True once a client is greeted (the port opens after everything else)."""
        assert self._process is not None
        assert self._process.poll() is None, f"RabbitMQ ended: {_tail(self.folder / 'out')}"
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 2) as client,
        ):
            client.settimeout(10)
            client.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(client.recv(1))
        return False

    def settle(self) -> None:
        """Write the names of new quorum queues to disk now.

        RabbitMQ 3.10 saves them about a second after a queue is declared (names.dets): killed before that,
        the queue comes back without a leader for good, whatever was confirmed (measured).
        """
        self.ctl("eval", "[dets:sync(Table) || Table <- dets:all()].")

    def kill(self) -> None:
        """Kill -9 the node; `start` brings back the same one, with what it had on disk."""
        if self._process is not None:
            kill_group(self._process)
            self._process = None

    def stop(self) -> None:
        """Stop the node in order."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(30)
            finally:
                self.kill()

    def ctl(self, *args: str, timeout: float = 60) -> str:
        """What `rabbitmqctl -q` answers to `args`; takes about 2 s."""
        done = subprocess.run(
            [self._programs / "rabbitmqctl", "-q", "-n", self._name, *args], env=self._env,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
            cwd=self.folder,
        )  # fmt: skip
        assert done.returncode == 0, f"rabbitmqctl {args}: {done.stdout}{done.stderr}"
        return done.stdout

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        kill_group(self._epmd)


@contextlib.contextmanager
def rabbitmq(conf: str = "") -> Iterator[Node]:
    """A running RabbitMQ node without plugins, with further lines of rabbitmq.conf; up in 6 to 10 s on two cores."""
    if not Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists() or not shutil.which("setpriv"):
        raise RuntimeError(_MISSING.format(what="RabbitMQ", packages="rabbitmq-server util-linux"))
    with _folder() as folder:
        node = Node(folder)
        with (folder / "rabbitmq.conf").open("a") as file:
            file.write(conf)
        try:
            node.start()
            yield node
        finally:
            node.close()
