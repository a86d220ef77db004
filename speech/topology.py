"""What stands on RabbitMQ: exchanges, a quorum queue a lane, dead letters; and who may do what with them.

Every process makes what is missing. A user without the right to make anything finds it made by an operator, from the
definitions that `moksori broker` prints.
"""

import contextlib
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amqp.exceptions import AccessRefused
from kombu import Connection, Exchange, Queue

from speech.jobs import LANES

EXCHANGE = Exchange("moksori.v1", type="topic", durable=True)
DEAD_EXCHANGE = Exchange("moksori.dead.v1", type="fanout", durable=True)


class Standing(Queue):
    """A queue that is made with its exchange and binding, or has to stand where we may not make it."""

    def declare(self, nowait: bool = False, channel: Any = None) -> str:
        """Make it; the same again is fine. Raises NotFound when it has to stand and does not."""
        make = super().declare
        make_or_find(
            (channel or self.channel).connection,
            lambda own: make(nowait, own),
            lambda own: self.queue_declare(nowait, passive=True, channel=own),
        )
        return str(self.name)


# Dead letters are only counted: a bell that was refused too often carries nothing worth keeping.
DEAD = Standing(
    "moksori.dead.v1",
    DEAD_EXCHANGE,
    durable=True,
    queue_arguments={"x-queue-type": "quorum", "x-max-length": 1000},
)


def lane_queue(lane: str) -> Queue:
    """The durable quorum queue of a lane; its name carries a version, for its arguments can never change."""
    return Standing(
        f"moksori.{lane}.v1",
        EXCHANGE,
        routing_key=lane,
        durable=True,
        queue_arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": 20,
            "x-dead-letter-exchange": DEAD_EXCHANGE.name,
        },
    )


def events_exchange(name: str) -> Exchange:
    """The fanout exchange that carries events; nothing of it outlives those who listen."""
    return Exchange(name, type="fanout", durable=True)


def listener_queue(exchange: Exchange) -> Queue:
    """A queue of one listener's own, whose name begins with the exchange's: rights go by names."""
    name = f"{exchange.name}.{socket.gethostname()}.{uuid.uuid4().hex}"
    standing = Exchange(exchange.name, type=exchange.type, passive=True)
    return Queue(name, standing, exclusive=True, auto_delete=True, durable=False)


def declare(connection: Connection) -> None:
    """Make the exchanges and queues that carry bells, or find them made."""
    with connection.channel() as channel:
        for each in (DEAD, *(lane_queue(lane) for lane in LANES)):
            each(channel).declare()


def declare_events(connection: Connection, exchange: Exchange) -> None:
    """Make the exchange of events, or find it made."""
    with connection.channel() as channel:
        bound = exchange(channel)
        make_or_find(
            channel.connection,
            lambda own: bound.declare(channel=own),
            lambda own: bound.declare(passive=True, channel=own),
        )


def make_or_find(client: Any, make: Callable[[Any], Any], find: Callable[[Any], Any]) -> None:
    """Call `make`, and `find` where that is refused, each on a channel of its own: a refusal closes the channel."""
    with contextlib.suppress(AccessRefused), client.channel() as own:
        make(own)
        return
    with client.channel() as own:
        find(own)


@dataclass(frozen=True)
class Rights:
    """A user's rights in a vhost: the names that it may make, send to, and take from (regular expressions)."""

    configure: str
    write: str
    read: str


def rights(side: str, events: str) -> Rights:
    """What the users `server` and `worker` need at least; `events` is the exchange of events.

    https://www.rabbitmq.com/docs/access-control#authorisation
    """
    jobs, told = EXCHANGE.name.replace(".", r"\."), events.replace(".", r"\.")
    if side == "server":
        mine = rf"{told}\..+"  # the queues that listen; binding one writes to it and reads the exchange
        return Rights(f"^{mine}$", f"^({jobs}|{told}|{mine})$", f"^({told}|{mine})$")
    lanes = "|".join(lane_queue(lane).name.replace(".", r"\.") for lane in LANES)
    return Rights("^$", f"^({jobs}|{told})$", f"^({lanes})$")
