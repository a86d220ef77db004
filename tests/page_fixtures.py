"""`moksori serve` with the stub engine, and a headless Chromium in front of it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from playwright.sync_api import Browser, Page, sync_playwright

from tests.deployments import ROOT, until

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-fake-device-for-media-stream "
    "--use-fake-ui-for-media-stream --autoplay-policy=no-user-gesture-required"
).split()
LOOPBACK = {"127.0.0.1", "localhost"}


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[str]:
    """The service on a free port; yields its address once both lanes are ready."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    log = folder / "serve.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith("MOKSORI_")}
    env |= {"MOKSORI_DATA_DIR": str(folder / "data"), "MOKSORI_PLUGINS": "tests.stub_plugin"}
    env |= {f"MOKSORI_{name.upper()}": value for name, value in settings.items()}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "moksori", "serve", "--port", str(port)],
            cwd=ROOT, env=env, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        until(
            lambda: "Serving at" in log.read_text("utf-8") or process.poll() is not None,
            60, lambda: log.read_text("utf-8"), 0.1,
        )  # fmt: skip
        assert process.poll() is None, log.read_text("utf-8")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium with a microphone that beeps."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """The page in a context of its own, and all that it asked for and complained of.

    Its policy forbids eval, which wait_for_function calls whenever it has to look twice: wait with expect() or until().
    """

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address
        self.context = browser.new_context(base_url=address, accept_downloads=True)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self._hear(said.type, said.text))

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def open(self) -> "Visit":
        """The page, once it has its members."""
        self.page.goto("/")
        self.page.locator(".seals input").nth(4).wait_for(state="attached")
        return self

    def foreign(self) -> list[str]:
        """Requests that left this machine."""
        urls = [urlsplit(url) for url in self.asked]
        return [
            url.geturl()
            for url in urls
            if url.scheme not in {"blob", "data"} and url.hostname not in LOOPBACK
        ]

    def sound(self, panel: str) -> dict[str, object]:
        """The panel's <audio> once its length is known: `duration` in seconds, `src`."""
        audio = self.page.locator(f"{panel} audio")
        until(lambda: audio.evaluate("node => node.duration > 0"), 15, "a sound that has loaded")
        return audio.evaluate(
            "node => ({ duration: node.duration, src: node.src, error: node.error })"
        )

    def leave(self) -> None:
        """Close the page and cancel what still runs, so that a test that failed does not hold up the next."""
        self.context.close()
        for job in self.get("/v1/jobs?state=queued&state=running").json()["data"]:
            requests.delete(f"{self.address}/v1/jobs/{job['id']}", timeout=10)

    def get(self, path: str) -> requests.Response:
        """Ask the service beside the page."""
        return requests.get(self.address + path, timeout=10)
