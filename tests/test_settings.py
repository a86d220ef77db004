"""Settings from the environment, secrets from files, and what nothing starts with."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from moksori.__main__ import main
from speech.settings import BadSettings, Settings

GOOD = "amqp://server:7f6c1f0c@rabbit.example:5672/moksori"


def test_a_secret_is_read_from_its_file_without_the_line_break(tmp_path):
    (tmp_path / "url").write_text(GOOD + "\n")
    env = {"MOKSORI_BROKER_URL_FILE": str(tmp_path / "url"), "MOKSORI_BROKER_URL": "amqp://other"}
    assert Settings.from_env(env).broker_url == GOOD


def test_only_secrets_come_from_files(tmp_path):
    (tmp_path / "port").write_text("1")
    assert Settings.from_env({"MOKSORI_PORT_FILE": str(tmp_path / "port")}).port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKER_URL", "amqp://guest:guest@rabbit.example//"),
        ("BROKER_URL", "amqp://user:Password@rabbit.example//"),
        ("DATABASE_URL", "postgresql://moksori:change%2Dme@db/moksori"),
        ("DATABASE_URL", "postgresql://moksori:postgres@10.0.0.1/moksori"),
        ("SECRET", "changeme"),
        ("SECRET", "fifteen letters"),
    ],
)
def test_examples_are_refused_and_not_shown(name, value):
    with pytest.raises(BadSettings, match=f"MOKSORI_{name} holds an example") as refused:
        Settings.from_env({f"MOKSORI_{name}": value})
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKER_URL", GOOD),
        ("BROKER_URL", "amqp://guest:guest@127.0.0.1:5672//"),
        ("BROKER_URL", "amqp://guest:guest@localhost//"),
        ("DATABASE_URL", "postgresql:///moksori"),
        ("DATABASE_URL", "sqlite:////var/lib/moksori/moksori.db"),
        ("DATABASE_URL", "postgresql://moksori@[fe80::/moksori"),
        ("SECRET", ""),
        ("SECRET", "16 letters or so"),
    ],
)
def test_others_are_taken(name, value):
    assert getattr(Settings.from_env({f"MOKSORI_{name}": value}), name.lower()) == value


@pytest.mark.parametrize(("make", "words"), [(False, "cannot be read"), (True, "is empty")])
def test_a_file_that_is_missing_or_empty_is_named(tmp_path, make, words):
    path = tmp_path / "secret"
    if make:
        path.write_text("\n")
    with pytest.raises(BadSettings, match=f"MOKSORI_SECRET_FILE={path} {words}"):
        Settings.from_env({"MOKSORI_SECRET_FILE": str(path)})


def test_all_that_is_wrong_is_named_at_once():
    env = {"MOKSORI_PORT": "x", "MOKSORI_SECRET": "secret", "MOKSORI_WAIT_TIMEOUT": "y"}
    with pytest.raises(BadSettings) as refused:
        Settings.from_env(env)
    assert str(refused.value).count(";") == 2


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "gunicorn", "-c", "python:server.gunicorn", "server.wsgi:app"],
        ["-m", "celery", "-A", "worker.app", "worker"],
    ],
    ids=["server", "worker"],
)
def test_a_process_with_an_example_password_ends_with_one_sentence(command):
    env = {"MOKSORI_BROKER_URL": "amqp://guest:guest@rabbit.example//", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, *command], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "does not start" in done.stderr and "MOKSORI_BROKER_URL holds an example" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_ends_with_the_same_sentence(monkeypatch):
    monkeypatch.setenv("MOKSORI_SECRET", "changeme")
    done = CliRunner().invoke(main, ["migrate"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: MOKSORI_SECRET holds an example password")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1:8000"),
        ("localhost", "localhost:8000"),
        ("::", "[::]:8000"),
        ("::1", "[::1]:8000"),
        ("[::1]", "[::1]:8000"),
    ],
)
def test_an_ipv6_address_stands_in_brackets(host, address):
    settings = Settings(host=host)
    assert (settings.address, settings.links_url) == (address, f"http://{address}")
