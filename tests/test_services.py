"""The private services that tests run on."""

import subprocess
import sys

import psycopg
import pytest

from tests import services


@pytest.mark.postgres
def test_postgres_listens_on_loopback_only(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        (address,) = connection.execute("SHOW listen_addresses").fetchone() or ("",)
    assert address == "127.0.0.1"


@pytest.mark.postgres
def test_postgres_ends_with_the_process_that_started_it() -> None:
    code = (
        "import os, signal\nfrom tests import services\n"
        "with services.postgres() as url:\n"
        "    print(url, flush=True)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    url = done.stdout.strip()
    assert url.startswith("postgresql://"), done.stderr

    def gone() -> bool:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return True
        return False

    services.until(gone, 10, "the cluster is gone")


def test_a_missing_program_is_an_error_that_names_the_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services.shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match=r"apt-get install -y postgresql"):
        services.postgres().__enter__()
    with pytest.raises(RuntimeError, match=r"apt-get install -y rabbitmq-server"):
        services.rabbitmq().__enter__()


@pytest.mark.rabbitmq
@pytest.mark.slow
def test_a_killed_rabbitmq_node_comes_back_with_its_durable_queues(
    rabbitmq_node: services.Node,
) -> None:
    from kombu import Connection, Exchange, Queue

    queue = Queue(
        "kept", Exchange("kept"), "kept", durable=True, queue_arguments={"x-queue-type": "quorum"}
    )
    with Connection(rabbitmq_node.url, transport_options={"confirm_publish": True}) as connection:
        connection.Producer().publish(
            {"n": 1}, declare=[queue], exchange="kept", routing_key="kept"
        )
    rabbitmq_node.settle()
    rabbitmq_node.kill()
    rabbitmq_node.start()
    with Connection(rabbitmq_node.url) as connection:
        assert _first(connection, queue) == {"n": 1}
        queue(connection.default_channel).delete()
    assert "kept" not in rabbitmq_node.ctl("list_queues", "name")


def _first(connection, queue) -> object:  # type: ignore[no-untyped-def]
    """The first message, by consuming: a queue needs a moment for its leader after a restart."""
    heard: list[object] = []

    def hear(body: object, message) -> None:  # type: ignore[no-untyped-def]
        heard.append(body)
        message.ack()

    with connection.Consumer([queue], callbacks=[hear]):
        while not heard:
            connection.drain_events(timeout=30)
    return heard[0]
