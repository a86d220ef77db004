"""The docs are held against the code: settings, routes, links, commands, and the files they name."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path

import pytest
from flask import Flask

from moksori.__main__ import COMMANDS
from server.app import create_app
from server.openapi import path_of
from speech.database import Database
from speech.filesystem import FileStorage
from speech.messages import MESSAGES
from speech.settings import Settings
from speech.store import JobStore
from tests.recorded_bells import RecordedBells

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("server", "worker", "speech", "moksori", "voice_model")
PLACES = ("*.md", "docs/**/*.md", "bench/**/*.md", "deploy/**/*.md", "voice_model/**/*.md")
DOCS = sorted(path for place in PLACES for path in ROOT.glob(place))
READMES = (ROOT / "README.md", ROOT / "README.ko.md")
# Set by one process of ours for another, never by people.
INTERNAL = {"MOKSORI_BOOT"}
VERBS = {"GET", "POST", "PUT", "PATCH", "DELETE"}

every_doc = pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The app, for its table of routes; nothing is asked of it."""
    folder = tmp_path_factory.mktemp("docs")
    settings = Settings(data_dir=str(folder), secret="for tests only")
    store = JobStore(Database(f"sqlite:///{folder}/none.db"))
    yield create_app(settings, store, RecordedBells(), FileStorage.from_settings(settings))
    store.db.close()


def row(setting: "Field[object]") -> str:
    """A setting as docs/settings.md has it."""
    default = setting.default
    assert default is not MISSING
    if isinstance(default, bool):
        shown = f"`{int(default)}`"
    elif isinstance(default, float):
        shown = f"`{default:g}`"
    else:
        shown = f"`{default}`" if default != "" else "empty"
    return f"| `MOKSORI_{setting.name.upper()}` | {shown} | {setting.metadata['help']} |"


def test_every_setting_has_its_row_with_its_default_and_meaning() -> None:
    written = (ROOT / "docs" / "settings.md").read_text("utf-8").splitlines()
    rows = [line for line in written if line.startswith("| `MOKSORI_")]
    assert rows == [row(setting) for setting in fields(Settings)]


def test_the_shown_defaults_are_read_back_as_the_defaults() -> None:
    shown = {
        f"MOKSORI_{f.name.upper()}": row(f).split("|")[2].strip(" `") for f in fields(Settings)
    }
    given = {name: "" if text == "empty" else text for name, text in shown.items()}
    assert Settings.from_env(given) == Settings()


def test_no_text_names_a_setting_that_does_not_exist() -> None:
    known = {f"MOKSORI_{setting.name.upper()}" for setting in fields(Settings)} | INTERNAL
    known |= {f"MOKSORI_{one.name.upper()}_FILE" for one in fields(Settings) if not one.repr}
    others = (*ROOT.glob("Dockerfile*"), *ROOT.glob("*compose*.y*ml"), ROOT / "Makefile")
    sources = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    unknown = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (*DOCS, *others, *sources)
        for name in re.findall(r"MOKSORI_[A-Z0-9_]*[A-Z0-9]", path.read_text("utf-8"))
        if name not in known
    }
    assert unknown == set()


def test_docs_and_app_have_the_same_routes(app: Flask) -> None:
    served = {
        f"{method} {nameless(path_of(rule))}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & VERBS
    }
    assert routes_in((ROOT / "docs" / "api.md").read_text("utf-8")) == served


def routes_in(text: str) -> set[str]:
    """Each `VERB /path` of a text, with or without backticks; several verbs may share a path."""
    found = set()
    verb = "|".join(VERBS | {"HEAD"})
    for verbs, path in re.findall(
        rf"\b((?:{verb})(?:[`, /]+(?:{verb}))*)`? `?(/[^\s`|,;)]*)", text
    ):
        plain = nameless(path.partition("?")[0].rstrip(".:") or "/")
        found |= {f"{one} {plain}" for one in re.findall(r"[A-Z]+", verbs) if one in VERBS}
    return found


def nameless(path: str) -> str:
    """The path without the names of its parameters, which docs may shorten."""
    return re.sub(r"\{\w+\}", "{}", path)


def test_routes_are_found_however_they_are_written() -> None:
    text = "`GET`/`DELETE /v1/jobs/{id}`, GET /v1/jobs?limit=2. Then `GET, HEAD /files/{token}/{name}`."
    assert routes_in(text) == {
        "GET /v1/jobs/{}", "DELETE /v1/jobs/{}", "GET /v1/jobs", "GET /files/{}/{}",
    }  # fmt: skip


def test_examples_call_routes_that_exist(app: Flask) -> None:
    adapter = app.url_map.bind("127.0.0.1")
    called = {
        (path.name, url)
        for path in DOCS
        for url in re.findall(r"http://127\.0\.0\.1:8000(/[^\s`'\")>]*)", path.read_text("utf-8"))
    }
    assert called
    lost = {(doc, url) for doc, url in called if not adapter.allowed_methods(url.partition("?")[0])}
    assert lost == set()


@every_doc
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8"))
    files = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in files if not resolves(path, link)] == []


def resolves(path: Path, link: str) -> bool:
    """True when the file is there, and the heading too where one is named."""
    name, _, heading = link.partition("#")
    target = (path.parent / name) if name else path
    if not target.exists() or not target.resolve().is_relative_to(ROOT):
        return False
    return not heading or heading in anchors(target.read_text("utf-8"))


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown text's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@every_doc
def test_commands_that_are_named_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    called = re.findall(r"(?:`|^|bin/)moksori ([a-z]+)", text, re.MULTILINE)
    assert set(called) <= set(COMMANDS)


@every_doc
def test_files_that_are_named_exist(path: Path) -> None:
    folders = "|".join((*PACKAGES, "tests", "bench", "docs", "web", "deploy", "requirements"))
    named = re.findall(rf"`((?:{folders})/[\w./-]+)`", path.read_text("utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


@every_doc
def test_error_codes_that_are_named_have_a_sentence(path: Path) -> None:
    named = re.findall(r"\b[45]\d\d `([a-z_]+)`", path.read_text("utf-8"))
    assert [code for code in named if code not in MESSAGES] == []


def test_docs_that_the_code_points_to_exist() -> None:
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    named = {
        name for path in sources for name in re.findall(r"docs/\w+\.md", path.read_text("utf-8"))
    }
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_the_index_leads_to_every_page_of_docs() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"({page})" not in index} == set()


def test_readmes_are_short_and_give_the_same_commands() -> None:
    english, korean = (path.read_text("utf-8") for path in READMES)
    assert max(len(english.splitlines()), len(korean.splitlines())) < 90
    assert commands(english) == commands(korean) != []


def commands(text: str) -> list[str]:
    """The lines of a text's shell examples, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = (re.sub(r"(^|\s)#.*", "", line).rstrip() for line in "".join(blocks).splitlines())
    return [line for line in lines if line]


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
