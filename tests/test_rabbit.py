"""Bells over a real RabbitMQ, and what their threads do when it fails them."""

import json
import threading
import time

import pytest
from kombu import Connection

from speech import rabbit
from speech.rabbit import RabbitBells
from speech.settings import Settings
from speech.topology import DEAD, declare, lane_queue
from tests.worker_processes import until

LANE = "test"  # no worker of another test answers its bells
pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]


@pytest.fixture
def bells(rabbitmq_node):
    with Connection(rabbitmq_node.url) as connection:
        declare(connection)
        with connection.channel() as channel:
            lane_queue(LANE)(channel).declare()
            channel.queue_purge(lane_queue(LANE).name)
    made = RabbitBells(Settings(broker_url=rabbitmq_node.url))
    yield made
    made.close()


def _take(node, count):
    """The next messages of the lane's queue."""
    found = []
    with Connection(node.url) as connection, connection.channel() as channel:

        def taken():
            message = channel.basic_get(lane_queue(LANE).name, no_ack=True)
            if message is not None:
                found.append(message)
            return len(found) == count

        until(taken, 10, f"{count} messages")
    return found


def test_a_ring_is_a_persistent_task_with_nothing_but_lane_and_id(bells, rabbitmq_node):
    bells.ring(LANE, "some-id")
    (message,) = _take(rabbitmq_node, 1)
    assert message.headers["task"] == "moksori.run_next"
    assert json.loads(message.body)[0] == [LANE, "some-id"]
    assert message.properties["delivery_mode"] == 2
    assert message.content_type == "application/json"
    assert len(message.body) < 1024


def test_a_bell_that_is_refused_for_good_is_counted_as_dead(bells, rabbitmq_node):
    with Connection(rabbitmq_node.url) as connection, connection.channel() as channel:
        channel.queue_purge(DEAD.name)
        assert bells.dead() == 0
        bells.ring(LANE, "poison")
        until(lambda: bells.ready(LANE) == 1, 10, "the bell waits")
        message = channel.basic_get(lane_queue(LANE).name)
        channel.basic_reject(message.delivery_tag, requeue=False)
        until(lambda: bells.dead() == 1, 10, "it is counted")
        channel.queue_purge(DEAD.name)


def test_rings_that_wait_are_counted(bells):
    assert bells.ready(LANE) == 0
    for n in range(3):
        bells.ring(LANE, str(n))
    until(lambda: bells.ready(LANE) == 3, 10, "three rings wait")


def test_events_reach_every_listener(bells):
    heard = [[], []]
    stops = [bells.listen(lambda *event, one=one: one.append(event)) for one in heard]
    until(lambda: bells.publish("a", 1) or all(heard), 10, "both listen", 0.1)
    for stop in stops:
        stop()
    assert heard[0][0] == heard[1][0] == ("a", 1)


def test_a_malformed_event_does_not_end_the_listener(bells):
    heard = []
    stop = bells.listen(lambda *event: heard.append(event))
    until(lambda: bells.publish("a", 1) or heard, 10, "it listens", 0.1)
    bells.publish("b", "not a number")
    bells.publish("c", 3)
    until(lambda: bells.publish("c", 3) or ("c", 3) in heard, 10, "it goes on", 0.1)
    stop()


def test_a_broker_that_is_away_is_told_and_nobody_waits():
    bells = RabbitBells(Settings(broker_url="amqp://guest:guest@127.0.0.1:1//"))
    began = time.monotonic()
    for n in range(1000):
        bells.ring(LANE, str(n))
    assert time.monotonic() - began < 5
    assert bells.ready(LANE) is None
    assert bells.probe() is None
    bells.close()


def test_a_sender_keeps_its_connection_through_a_long_pause(bells, rabbitmq_node, monkeypatch):
    monkeypatch.setattr(rabbit, "HEARTBEAT", 1)
    connections = []
    connect = bells._connection
    monkeypatch.setattr(bells, "_connection", lambda **how: connections.append(1) or connect(**how))
    bells.ring(LANE, "before")
    time.sleep(4)  # the broker cuts off who is silent for two heartbeats
    bells.ring(LANE, "after")
    _take(rabbitmq_node, 2)
    assert len(connections) == 1


def test_a_sender_outlives_whatever_a_connection_raises(monkeypatch):
    sent, faults = [], iter([ValueError("odd"), OSError("gone")])
    monkeypatch.setattr(rabbit, "AGAIN", 0.01)

    def send(take):
        for fault in faults:
            take(None)
            raise fault
        while True:
            sent.append(take(None))

    sender = rabbit._Sender("test", send)
    until(lambda: sender.put("x") or sent, 10, "it sends after the faults", 0.05)
    sender.close(time.monotonic() + 2)
    until(lambda: not sender._thread.is_alive(), 5, "its thread ends with it")


def test_more_messages_than_a_broker_takes_are_dropped_and_not_kept(monkeypatch):
    monkeypatch.setattr(rabbit, "BACKLOG", 10)
    waits = threading.Event()
    sender = rabbit._Sender("test", lambda take: waits.wait(10))
    for n in range(100):
        sender.put(n)
    assert sender._waiting.qsize() == 10
    waits.set()


def test_dead_letters_are_kept_to_be_counted_only():
    assert DEAD.queue_arguments == {"x-queue-type": "quorum", "x-max-length": 1000}
