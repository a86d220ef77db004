"""The house rules that a machine can check: who imports whom, who reads the environment, how long a module is."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("server", "speech", "worker", "voice_model", "moksori")
# server -> speech <- worker -> voice_model -> speech; moksori, above, may import both sides.
MAY_IMPORT = {
    "speech": {"speech"},
    "voice_model": {"voice_model", "speech"},
    "worker": {"worker", "voice_model", "speech"},
    "server": {"server", "speech"},
    "moksori": set(PACKAGES),
}
MODEL_LIBRARIES = {
    "faster_whisper",
    "ctranslate2",
    "onnxruntime",
    "torch",
    "TTS",
    "tokenizers",
    "kiwipiepy",
}
# Entry points read the environment; the rest of a worker only its own boot id and its folder.
READS_ENVIRONMENT = {
    "speech/settings.py",
    "worker/app.py",
    "worker/embedded.py",
    "worker/boot.py",
    "worker/pool.py",
    "worker/scratch.py",
    "moksori/__main__.py",
    "moksori/terminal.py",
    "moksori/supervisor.py",
}
LONGEST = 300  # lines

MODULES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "versions" not in path.parts
]


def imported(tree: ast.AST) -> set[str]:
    """The top-level names of all that a module imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add((node.module or "").partition(".")[0])
    return names


def reads_environment(tree: ast.AST) -> bool:
    """True when a module touches os.environ or os.getenv."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        for node in ast.walk(tree)
    )


@pytest.fixture(params=MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def module(request):
    """(name, tree, text) of a module."""
    text = request.param.read_text()
    return str(request.param.relative_to(ROOT)), ast.parse(text), text


def test_a_module_keeps_the_house_rules(module):
    name, tree, text = module
    package = name.partition("/")[0]
    ours = imported(tree) & set(PACKAGES)
    assert ours <= MAY_IMPORT[package], f"{package} must not import {ours - MAY_IMPORT[package]}"
    if package in {"server", "speech"}:
        assert not imported(tree) & MODEL_LIBRARIES
    if name not in READS_ENVIRONMENT:
        assert not reads_environment(tree), "settings come from Settings"
    assert len(text.splitlines()) <= LONGEST
    assert ast.get_docstring(tree), "a module says what it is"


def test_every_module_that_may_read_the_environment_is_there():
    assert all((ROOT / name).exists() for name in READS_ENVIRONMENT)


@pytest.mark.parametrize(
    ("text", "names"),
    [("import os.path", {"os"}), ("def f():\n  from worker.run import x", {"worker"})],
)
def test_the_walk_sees_every_import(text, names):
    assert imported(ast.parse(text)) == names
    assert reads_environment(ast.parse("import os\nx = os.environ['A']"))
