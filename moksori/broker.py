"""`moksori broker`: the definitions that an operator gives RabbitMQ, so that servers and workers need few rights."""

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

import click
from kombu import Connection, Exchange, Queue

from speech.jobs import LANES
from speech.settings import Settings
from speech.topology import (
    DEAD,
    DEAD_EXCHANGE,
    EXCHANGE,
    events_exchange,
    lane_queue,
    rights,
)
from speech.whole_files import partial

_URL_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("broker")
@click.argument("server_url_file", type=_URL_FILE)
@click.argument("worker_url_file", type=_URL_FILE)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, whole or not at all",
)
def command(server_url_file: Path, worker_url_file: Path, output: Path | None) -> None:
    """Print RabbitMQ's definitions: virtual host, two users with least rights, exchanges and queues.

    The files hold the broker URL of servers and that of workers, which name users, passwords and virtual host.
    """
    urls = {"server": _read(server_url_file), "worker": _read(worker_url_file)}
    try:
        made = definitions(urls, Settings.from_env().events_exchange)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    text = json.dumps(made, indent=2)
    if output is None:
        click.echo(text)
        return
    with partial(output) as part:
        part.write_text(text + "\n")
        part.replace(output)


def definitions(urls: dict[str, str], events: str) -> dict[str, Any]:
    """What `rabbitmqctl import_definitions` and `load_definitions` read; the passwords in it are salted hashes.

    Raises ValueError when the URLs do not name two users of one virtual host.
    https://www.rabbitmq.com/docs/definitions
    """
    users = {side: Connection(url) for side, url in urls.items()}
    vhosts = {user.virtual_host for user in users.values()}
    if len(vhosts) != 1 or len({user.userid for user in users.values()}) != len(users):
        raise ValueError("The two broker URLs must name two users of one virtual host.")
    (vhost,) = vhosts
    exchanges = (EXCHANGE, DEAD_EXCHANGE, events_exchange(events))
    queues = (DEAD, *(lane_queue(lane) for lane in LANES))
    return {
        "vhosts": [{"name": vhost}],
        "users": [_user(user) for user in users.values()],
        "permissions": [
            {"user": user.userid, "vhost": vhost, **vars(rights(side, events))}
            for side, user in users.items()
        ],
        "exchanges": [_exchange(one, vhost) for one in exchanges],
        "queues": [_queue(one, vhost) for one in queues],
        "bindings": [_binding(one, vhost) for one in queues],
    }


def hashed(password: str, salt: bytes) -> str:
    """RabbitMQ's salted SHA-256 (https://www.rabbitmq.com/docs/passwords#this-is-the-algorithm)."""
    digest = hashlib.sha256(salt + password.encode()).digest()
    return base64.b64encode(salt + digest).decode()


def _read(path: Path) -> str:
    return path.read_text("utf-8").strip()


def _user(user: Connection) -> dict[str, Any]:
    return {
        "name": user.userid,
        "password_hash": hashed(user.password, secrets.token_bytes(4)),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }


def _exchange(one: Exchange, vhost: str) -> dict[str, Any]:
    how = {"durable": one.durable, "auto_delete": one.auto_delete, "internal": False}
    return {"name": one.name, "vhost": vhost, "type": one.type, **how, "arguments": {}}


def _queue(one: Queue, vhost: str) -> dict[str, Any]:
    how = {"durable": one.durable, "auto_delete": one.auto_delete}
    return {"name": one.name, "vhost": vhost, **how, "arguments": one.queue_arguments}


def _binding(one: Queue, vhost: str) -> dict[str, Any]:
    ends = {"source": one.exchange.name, "destination": one.name, "destination_type": "queue"}
    return {**ends, "vhost": vhost, "routing_key": one.routing_key or "", "arguments": {}}
