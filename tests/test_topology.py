"""Two users with least rights do their whole job on a real RabbitMQ, and are refused all else."""

import json
import secrets
import uuid
from contextlib import ExitStack

import pytest
import requests
from amqp.exceptions import AccessRefused
from click.testing import CliRunner
from kombu import Connection

from moksori.broker import command, definitions, hashed
from speech.rabbit import RabbitBells
from speech.settings import Settings
from speech.topology import DEAD, lane_queue, rights
from tests.services import free_port
from tests.worker_processes import until

EVENTS = "moksori.events.v1"


def on_a_broker(test):
    """Marks a test that needs a real RabbitMQ."""
    return pytest.mark.rabbitmq(pytest.mark.slow(test))


def test_a_password_is_hashed_as_rabbitmqs_own_example():
    # https://www.rabbitmq.com/docs/passwords#this-is-the-algorithm
    made = hashed("test12", bytes.fromhex("908DC60A"))
    assert made == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


def test_no_user_may_make_a_queue_of_jobs_and_only_a_server_one_of_its_own():
    assert rights("worker", EVENTS).configure == "^$"
    assert rights("server", EVENTS).configure == r"^moksori\.events\.v1\..+$"


def test_definitions_need_two_users_of_one_virtual_host():
    for worker in ("amqp://a:1@h/x", "amqp://b:1@h/y"):
        with pytest.raises(ValueError, match="two users of one virtual host"):
            definitions({"server": "amqp://a:1@h/x", "worker": worker}, EVENTS)


def test_the_command_prints_no_password(tmp_path):
    for side in ("server", "worker"):
        (tmp_path / side).write_text(f"amqp://{side}:not-to-be-shown@host/moksori\n")
    done = CliRunner().invoke(command, [str(tmp_path / "server"), str(tmp_path / "worker")])
    assert done.exit_code == 0 and "not-to-be-shown" not in done.output
    assert [user["name"] for user in json.loads(done.output)["users"]] == ["server", "worker"]
    out = tmp_path / "definitions.json"
    CliRunner().invoke(
        command, [str(tmp_path / "server"), str(tmp_path / "worker"), "-o", str(out)]
    )
    assert json.loads(out.read_text()).keys() == json.loads(done.output).keys()


@pytest.fixture(scope="module")
def urls(rabbitmq_node, tmp_path_factory):
    """The broker URLs of both users, after their definitions were imported."""
    vhost = f"moksori-{secrets.token_hex(4)}"
    users = {side: f"{side}-{secrets.token_hex(4)}" for side in ("server", "worker")}
    made = {
        side: f"amqp://{user}:{secrets.token_hex(8)}@127.0.0.1:{rabbitmq_node.port}/{vhost}"
        for side, user in users.items()
    }
    path = tmp_path_factory.mktemp("definitions") / "definitions.json"
    path.write_text(json.dumps(definitions(made, EVENTS)))
    rabbitmq_node.ctl("import_definitions", str(path))
    return made


@pytest.fixture
def opened(urls):
    """Opens bells as one of the users; closed at the end."""
    made = []

    def open_as(side):
        made.append(RabbitBells(Settings(broker_url=urls[side])))
        return made[-1]

    yield open_as
    for one in made:
        one.close()


def channel_of(stack, urls, side):
    """A channel of a user's connection that ends with the stack."""
    return stack.enter_context(stack.enter_context(Connection(urls[side])).channel())


@on_a_broker
@pytest.mark.parametrize("side", ["server", "worker"])
def test_each_user_rings_and_counts(urls, opened, side):
    bells, lane = opened(side), "transcription"
    before = bells.ready(lane)
    bells.ring(lane, "some-id")
    until(lambda: bells.ready(lane) == before + 1, 10, "the ring waits to be answered")


@on_a_broker
@pytest.mark.parametrize("side", ["server", "worker"])
def test_a_server_hears_what_either_tells(urls, opened, side):
    heard = []
    stop = opened("server").listen(lambda *event: heard.append(event))
    teller = opened(side)
    until(lambda: teller.publish("a", 1) or heard, 10, "the server hears", 0.1)
    stop()
    assert heard[0] == ("a", 1)


@on_a_broker
def test_a_worker_takes_what_a_server_rang(urls, opened):
    lane = "speech"
    opened("server").ring(lane, "some-id")
    with ExitStack() as stack:
        channel = channel_of(stack, urls, "worker")
        until(
            lambda: channel.basic_get(lane_queue(lane).name, no_ack=True), 10, "the bell is taken"
        )


@on_a_broker
@pytest.mark.parametrize(
    ("side", "act"),
    [
        ("server", lambda channel: channel.basic_get(lane_queue("speech").name)),
        ("server", lambda channel: channel.basic_consume(lane_queue("speech").name)),
        ("server", lambda channel: channel.queue_purge(lane_queue("speech").name)),
        ("server", lambda channel: channel.queue_delete(lane_queue("speech").name)),
        ("server", lambda channel: channel.queue_bind("moksori.speech.v1", EVENTS)),
        ("server", lambda channel: channel.queue_declare("moksori.other.v1")),
        ("server", lambda channel: channel.exchange_delete(EVENTS)),
        ("worker", lambda channel: channel.queue_declare(f"{EVENTS}.mine", exclusive=True)),
        ("worker", lambda channel: channel.queue_bind("moksori.speech.v1", EVENTS)),
        ("worker", lambda channel: channel.queue_delete(lane_queue("speech").name)),
        ("worker", lambda channel: channel.basic_get(DEAD.name)),
        ("worker", lambda channel: channel.exchange_declare("celeryev", "topic")),
    ],
)
def test_all_else_is_refused(urls, side, act):
    with ExitStack() as stack, pytest.raises(AccessRefused):
        act(channel_of(stack, urls, side))


@on_a_broker
@pytest.mark.parametrize("side", ["server", "worker"])
def test_no_user_may_send_past_the_exchanges(urls, side):
    with (
        Connection(urls[side], transport_options={"confirm_publish": True}) as connection,
        pytest.raises(AccessRefused),
    ):
        connection.Producer().publish({}, exchange="", routing_key="any", retry=False)


@on_a_broker
def test_whole_processes_get_on_with_least_rights(urls, make_deployment):
    deployment = make_deployment("rabbitmq")
    deployment.env["MOKSORI_BROKER_URL"] = urls["server"]
    deployment.env["MOKSORI_PORT"] = str(port := free_port())
    with ExitStack() as stack:
        stack.callback(deployment.__exit__)
        deployment.start_sweeper()
        worker = deployment.start_worker(MOKSORI_BROKER_URL=urls["worker"]).wait_ready()
        stack.enter_context(deployment.server(port))
        body = {
            "uuid": str(uuid.uuid4()),
            "member_id": 1,
            "text": "안녕",
            "created_at": "2026-11-22",
        }
        answer = requests.post(f"http://127.0.0.1:{port}/api/texts", json=body, timeout=60)
        assert answer.status_code == 200, answer.text + worker.tail()
        assert "refused" not in worker.tail().lower()
