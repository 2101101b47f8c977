"""The tree on disk is the tree that the import contracts see."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_PRODUCT = {"build", "deploy", "docs", "tests", "bench"}

TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
ROOT_PACKAGES = set(TOOLS["importlinter"]["root_packages"])
FILES = sorted(file for name in ROOT_PACKAGES for file in (ROOT / name).rglob("*.py"))
FAKES = sorted((ROOT / "tests" / "fakes").glob("*.py"))
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+")


def nodes(file: Path) -> list[ast.AST]:
    """Return every node of a file's syntax tree."""
    return list(ast.walk(ast.parse(file.read_text())))


def ports() -> list[ast.ClassDef]:
    """Return every class of core/ports.py, core/clock.py and the notify port that inherits from Protocol."""
    classes = [n for file in FILES for n in nodes(file) if isinstance(n, ast.ClassDef)]
    return [c for c in classes if any(ast.unparse(b) == "Protocol" for b in c.bases)]


def test_every_folder_with_code_is_a_root_package() -> None:
    """A package missing from root_packages is invisible to every contract."""
    folders = {
        folder.name
        for folder in ROOT.iterdir()
        if folder.is_dir() and not folder.name.startswith(".") and any(folder.rglob("*.py"))
    }
    assert folders - NOT_PRODUCT == ROOT_PACKAGES


def test_no_module_lies_beside_the_packages() -> None:
    """A single file cannot be a root package, so no contract could check it."""
    assert [file.name for file in ROOT.glob("*.py")] == []


def test_every_folder_of_a_package_is_a_package() -> None:
    """The contracts do not descend into a folder without __init__.py."""
    assert {f.parent for f in FILES if not (f.parent / "__init__.py").exists()} == set()


def test_the_wheel_ships_what_the_contracts_check() -> None:
    """Flat packages are listed by hand, so the two lists can drift apart."""
    shipped = TOOLS["setuptools"]["packages"]["find"]["include"]
    assert {pattern.removesuffix("*") for pattern in shipped} == ROOT_PACKAGES


@pytest.mark.parametrize("port", ports(), ids=lambda port: port.name)
def test_every_port_says_what_it_does(port: ast.ClassDef) -> None:
    """A port is a promise: each method has its sentence."""
    methods = [n for n in port.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [m.name for m in methods if not ast.get_docstring(m)] == []


@pytest.mark.parametrize("name", ["Clock", "RowWriter", "RowReader", "AccountVenue", "Notifier", "Spool"])
def test_every_port_that_tests_replace_has_a_fake(name: str) -> None:
    """The fake of a port is called Fake<Port> and lives in tests/fakes."""
    fakes = {n.name for file in FAKES for n in nodes(file) if isinstance(n, ast.ClassDef)}
    assert f"Fake{name}" in fakes


def test_constraints_hold_pins_and_nothing_else() -> None:
    """Where packages come from is for the place that installs them to say."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not PIN.fullmatch(line)] == []


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    """At most 400 lines a file, 50 a function."""
    checked = [*FILES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
    assert [str(f) for f in checked if f.read_text().count("\n") > 400] == []
    long = [
        f"{file.relative_to(ROOT)}:{n.lineno} {n.name}"
        for file in checked
        for n in nodes(file)
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and (n.end_lineno or 0) - n.lineno >= 50
    ]
    assert long == []
