"""Voices of a bucket in real processes: changed while workers speak and servers answer, and no job is lost."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speech.jobs import Job, NewJob
from tests.deployment_fixtures import MODES
from tests.deployments import Deployment
from tests.gcs_fixtures import free_port
from tests.shelves import Shelf
from tests.worker_processes import until

pytestmark = [pytest.mark.slow, pytest.mark.gcs]
TEXT = "하나. 둘. 셋. 넷. 다섯."
FAST, SLOW = " 0.01", " 0.2"  # seconds of a sentence


def env(shelf: Shelf) -> dict[str, str]:
    """What a process of this test is told beside the deployment's settings."""
    looks = {"MOKSORI_RELOAD_SECONDS": "0.3", "MOKSORI_PLUGINS": "tests.tone_engine"}
    return {**shelf.settings(Path()).to_env(), **looks}


def ask(deployment: Deployment, member: int) -> Job:
    """Accept a job as a server does that knows this member."""
    asked = {"input": TEXT, "voice": member, "response_format": "wav", "formats": ["wav", "json"]}
    job, _ = deployment.store.create(NewJob("speech", "speech", asked))
    deployment.accepted.append(job.id)
    return job


@pytest.mark.parametrize("mode", MODES)
def test_the_manifest_changes_under_work_and_every_accepted_job_succeeds(
    mode: str, make_deployment: Callable[..., Deployment], shelf: Shelf
) -> None:
    old = shelf.publish({1: "0.5" + SLOW, 2: "0.25" + SLOW})
    with make_deployment(mode) as deployment:
        given = {**env(shelf), "MOKSORI_DATA_DIR": deployment.settings.data_dir}
        workers = [deployment.start_worker(**given) for _ in range(2)]
        for worker in workers:
            worker.wait_ready(60)
        early = [ask(deployment, member) for member in (1, 2, 1, 2, 1, 2)]
        deployment.at_work(early[0])
        new = shelf.publish({1: "0.75" + FAST, 2: "0.25" + SLOW, 3: "0.1" + FAST})
        late = [ask(deployment, member) for member in (3, 1, 3, 2)]
        ended = [deployment.wait(job, 60) for job in (*early, *late)]
        assert {job.state for job in ended} == {"succeeded"}
        versions = {member: new.find(member).version for member in (1, 2, 3)}
        first, told = ended[0].result, [job.result for job in ended]
        assert first and first["voice_version"] == old.find(1).version
        assert {one["voice_version"] for one in told if one and one["member"] == 3} == {versions[3]}
        until(
            lambda: all(row["voices"] == [1, 2, 3] for row in rows(deployment)),
            60, "both workers have the new voices",
        )  # fmt: skip
        last = deployment.wait(ask(deployment, 1), 30)
        assert last.result and last.result["voice_version"] == versions[1]
        assert version_in_captions(deployment, last) == versions[1]
        shelf.put("manifest.json", b"{")
        until(
            lambda: any(row["not_taken"] for row in rows(deployment)),
            60, "a worker tells that it did not take the manifest",
        )  # fmt: skip
        assert deployment.wait(ask(deployment, 3), 30).state == "succeeded"
        deployment.check()


def version_in_captions(deployment: Deployment, job: Job) -> str:
    (made,) = [one for one in job.artifacts if one.name == "speech.json"]
    found = json.loads(b"".join(deployment.storage.open(made.key)))
    return str(found["engine"]["voice_version"])


def rows(deployment: Deployment) -> list[dict[str, Any]]:
    """What the workers tell of their voices; under Celery a job makes a child tell."""
    if deployment.mode == "rabbitmq":
        deployment.wait(ask(deployment, 2), 30)
    return [worker["details"]["speech"] for worker in deployment.workers()]


def test_every_process_of_a_server_follows_the_manifest(
    make_deployment: Callable[..., Deployment], shelf: Shelf
) -> None:
    shelf.publish({1: "0.5", 2: "0.25"})
    port = free_port()
    with make_deployment("embedded") as deployment:
        deployment.env |= env(shelf) | {
            "MOKSORI_DATA_DIR": deployment.settings.data_dir, "MOKSORI_SERVER_PROCESSES": "2",
        }  # fmt: skip
        with deployment.server(port):
            until(lambda: told(deployment, "voices at the start: ") == 2, 30, "both have begun")
            assert settled(port, [1, 2])
            shelf.publish({2: "0.25", 3: "0.1"})
            until(lambda: told(deployment, "new voices: ") == 2, 30, "both have the new voices")
            assert settled(port, [2, 3])
            assert refused(port, "tone-1") == "unknown_voice"
            shelf.put("manifest.json", b"{")
            until(lambda: told(deployment, "the voices stay as they are") == 2, 30, "both looked")
            assert settled(port, [2, 3])


def told(deployment: Deployment, text: str) -> int:
    """How many lines of the server's log say it; which of its processes answers is left to chance."""
    return (deployment.folder / "server.log").read_text("utf-8").count(text)


def settled(port: int, wanted: list[int]) -> bool:
    """True when twenty answers in a row are the same, whichever process they came from."""
    return all(members(port) == wanted for _ in range(20))


def members(port: int) -> list[int]:
    answer = _open(port, "/v1/audio/voices")
    return [voice["member"] for voice in answer["data"]]


def refused(port: int, voice: str) -> str:
    body = {"model": "tts-1", "voice": voice, "input": "안녕하세요."}
    with pytest.raises(urllib.error.HTTPError) as caught:
        _open(port, "/v1/audio/speech", json.dumps(body).encode())
    with caught.value as answer:
        return str(json.load(answer)["error"]["code"])


def _open(port: int, path: str, data: bytes | None = None) -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)
