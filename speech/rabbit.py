"""Bells over RabbitMQ: rings are tasks in a durable quorum queue a lane, events go through a fanout exchange.

Threads of our own do the sending, with publisher confirms; no request ever waits for the broker. What cannot be
sent is dropped: the sweeper rings again for rows that wait unheard.
"""

import contextlib
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from amqp.exceptions import AMQPError
from celery import Celery
from kombu import Connection, Consumer, Producer
from kombu.exceptions import KombuError

from speech.settings import Settings
from speech.topology import (
    DEAD,
    EXCHANGE,
    declare,
    declare_events,
    events_exchange,
    lane_queue,
    listener_queue,
)

log = logging.getLogger(__name__)

TASK = "moksori.run_next"
# Short, and for the sending side only: on a consumer a read timeout would cut it off.
SENDING = {"confirm_publish": True, "read_timeout": 5.0, "write_timeout": 5.0}
HEARTBEAT = 15  # seconds
AGAIN = 1.0  # seconds before the next try to connect
BACKLOG = 10_000  # messages waiting to be sent; older ones are the sweeper's


class RabbitBells:
    """Rings and events through a broker."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.broker_url
        self.events = events_exchange(settings.events_exchange)
        self._rings = _Sender("rings", self._send_rings)
        self._told = _Sender("events", self._send_events)

    def ring(self, lane: str, job_id: str) -> None:
        """Wake a worker of `lane`."""
        self._rings.put((lane, job_id))

    def publish(self, job_id: str, seq: int) -> None:
        """Tell every server process."""
        self._told.put((job_id, seq))

    def ready(self, lane: str) -> int | None:
        """Bells of a lane that no worker has taken yet; None while the broker cannot be asked."""
        return self._waiting_in(lane_queue(lane).name)

    def dead(self) -> int | None:
        """Dead letters; None while the broker cannot be asked."""
        return self._waiting_in(DEAD.name)

    def _waiting_in(self, queue: str) -> int | None:
        try:
            with self._connection() as connection, connection.channel() as channel:
                return int(channel.queue_declare(queue, passive=True).message_count)
        except connection_errors() as error:
            if getattr(error, "reply_code", None) == 404:
                return 0  # no worker and no server has declared it yet: a ring will
            return None

    def listen(self, heard: Callable[[str, int], None]) -> Callable[[], None]:
        """Hear events in a thread; it connects again for ever."""
        stop = threading.Event()
        threading.Thread(
            target=self._hear, args=(heard, stop), name="hear events", daemon=True
        ).start()
        return stop.set

    def probe(self) -> float | None:
        """Seconds that a connection and its handshake take; None when the broker does not answer."""
        began = time.monotonic()
        try:
            with self._connection():
                return time.monotonic() - began
        except connection_errors():
            return None

    def close(self) -> None:
        """Send what is waiting, for two seconds at most."""
        deadline = time.monotonic() + 2
        self._rings.close(deadline)
        self._told.close(deadline)

    def _connection(self, **options: Any) -> Connection:
        connection = Connection(
            self.url, connect_timeout=2, heartbeat=HEARTBEAT, transport_options=options
        )
        connection.ensure_connection(max_retries=1, interval_start=0.1)
        return connection

    def _send_rings(self, take: Callable[[Connection], tuple[str, str]]) -> None:
        """Celery's own message protocol, so that a stock worker runs it."""
        app = Celery("moksori", broker=self.url, set_as_current=False)
        app.conf.update(broker_transport_options=SENDING, broker_connection_timeout=2)
        with self._connection(**SENDING) as connection:
            declare(connection)
            producer = app.amqp.Producer(connection, auto_declare=False)
            while True:
                lane, job_id = take(connection)
                app.send_task(
                    TASK, args=[lane, job_id], producer=producer, exchange=EXCHANGE, routing_key=lane,
                    declare=[], ignore_result=True, retry=False, confirm_timeout=3,
                )  # fmt: skip

    def _send_events(self, take: Callable[[Connection], tuple[str, int]]) -> None:
        with self._connection(**SENDING) as connection:
            declare_events(connection, self.events)
            producer = Producer(connection, exchange=self.events, auto_declare=False)
            while True:
                job_id, seq = take(connection)
                producer.publish({"job": job_id, "seq": seq}, serializer="json", delivery_mode=1)

    def _hear(self, heard: Callable[[str, int], None], stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._consume(heard, stop)
            except (
                Exception
            ) as error:  # the thread must outlive whatever a broken connection raises
                log.debug("events are not heard (%s); connecting again", error)
                stop.wait(AGAIN)

    def _consume(self, heard: Callable[[str, int], None], stop: threading.Event) -> None:
        def on_event(body: Any, _message: Any) -> None:
            if isinstance(body, dict) and isinstance(body.get("job"), str):
                heard(body["job"], int(body.get("seq") or 0))

        with self._connection() as connection:
            declare_events(connection, self.events)
            mine = listener_queue(self.events)
            consumer = Consumer(
                connection, [mine], callbacks=[on_event], accept=["json"], no_ack=True
            )
            with consumer:
                beat = 0.0
                while not stop.is_set():
                    with contextlib.suppress(TimeoutError):
                        connection.drain_events(timeout=1.0)
                    if time.monotonic() - beat > 1.0:  # also while events never pause
                        beat = time.monotonic()
                        connection.heartbeat_check()


def connection_errors() -> tuple[type[BaseException], ...]:
    """What a broker that is away, full or restarting raises."""
    return (OSError, socket.timeout, AMQPError, KombuError)


class _Closed(Exception):
    """Nothing will be sent any more."""


class _Sender:
    """A thread that sends from a queue; a failure drops what is waiting and connects again."""

    def __init__(self, name: str, send: Callable[[Callable[[Connection], Any]], None]) -> None:
        self._waiting: queue.Queue[Any] = queue.Queue(BACKLOG)
        self._send = send
        self._thread = threading.Thread(target=self._run, name=f"send {name}", daemon=True)
        self._started = threading.Lock()
        self._closed = threading.Event()

    def put(self, message: Any) -> None:
        """Leave a message to be sent; never waits."""
        with self._started:  # not before the first message: a server forks before it
            if not self._thread.is_alive() and not self._thread.ident:
                self._thread.start()
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            log.debug("too many messages wait for the broker; one is dropped")

    def close(self, deadline: float) -> None:
        """Wait until all is sent, or the deadline (monotonic) has come; then the thread ends."""
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._send(self._take)
            except _Closed:
                return
            except (
                Exception
            ) as error:  # the thread must outlive whatever a broken connection raises
                log.warning("the broker does not take messages (%s); the sweeper will ring", error)
                self._drop()
                self._closed.wait(AGAIN)

    def _take(self, connection: Connection) -> Any:
        """The next message; meanwhile the connection is kept alive, or the first one after a pause is lost."""
        if self._waiting.unfinished_tasks > self._waiting.qsize():
            self._waiting.task_done()  # the one before has been confirmed
        beat = time.monotonic()
        while not self._closed.is_set():
            with contextlib.suppress(queue.Empty):
                return self._waiting.get(timeout=0.5)
            if time.monotonic() - beat > HEARTBEAT / 5:
                beat = time.monotonic()
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=0.01)  # the broker's own heartbeats
                connection.heartbeat_check()
        raise _Closed

    def _drop(self) -> None:
        while True:
            try:
                self._waiting.get_nowait()
            except queue.Empty:
                break
        while self._waiting.unfinished_tasks:
            self._waiting.task_done()
