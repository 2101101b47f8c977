"""Where a setting comes from: environment, secret files, the TOML file; and which of them had the word.

Order: environment > secret file > TOML file > default. A secret file is named by `DESKWATCH_…_FILE`, or lies in the
service manager's credentials folder (`CREDENTIALS_DIRECTORY`) under the variable's name in lower case.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.errors import UsageError

PREFIX = "DESKWATCH_"
FILE_SUFFIX = "_FILE"
NOT_SETTINGS = frozenset({"DESKWATCH_CONFIG"})
"""Variables with our prefix that say where the settings are."""

Tree = dict[str, object]


class BadSecretFile(UsageError):
    """A secret file cannot be read."""


class BadVariable(UsageError):
    """An environment variable names no setting."""


def secret_files(environment: Mapping[str, str]) -> Tree:
    """Return the settings that files hold, nested by `__`; the text is stripped of the trailing line break."""
    tree: Tree = {}
    for path, file in _secret_paths(environment):
        _plant(tree, path, _read(file))
    return tree


def _secret_paths(environment: Mapping[str, str]) -> Iterator[tuple[list[str], Path]]:
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if folder:
        for file in sorted(Path(folder).iterdir()):
            if file.name.startswith(PREFIX.lower()) and file.is_file():
                yield file.name.removeprefix(PREFIX.lower()).split("__"), file
    for name, value in environment.items():
        if name.startswith(PREFIX) and name.endswith(FILE_SUFFIX):
            yield name.removeprefix(PREFIX).removesuffix(FILE_SUFFIX).lower().split("__"), Path(value)


def _read(file: Path) -> str:
    try:
        return file.read_text().rstrip("\n")
    except OSError as error:
        raise BadSecretFile(f"{file}: {error.strerror}", hint="Check the path and the file's owner and mode") from error


def _plant(tree: Tree, path: list[str], value: object) -> None:
    for name in path[:-1]:
        branch = tree.setdefault(name, {})
        assert isinstance(branch, dict)  # noqa: S101  for the type checker: we only ever plant dicts on the way
        tree = branch
    tree[path[-1]] = value


def check_variables(environment: Mapping[str, str], known: frozenset[str]) -> None:
    """Refuse a variable with our prefix that names no setting: a typing error must not be a silent default.

    Raises:
        BadVariable: with the nearest name.
    """
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        section = name.removeprefix(PREFIX).removesuffix(FILE_SUFFIX).lower().split("__")[0]
        if section not in known:
            near = difflib.get_close_matches(section, known, n=1)
            hint = f"Did you mean {PREFIX}{near[0].upper()}?" if near else f"Known sections: {', '.join(sorted(known))}"
            raise BadVariable(name, hint=hint)


def flatten(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return the leaves of a tree by dotted name."""
    leaves: dict[str, object] = {}
    for name, value in tree.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, Mapping):
            leaves |= flatten(value, f"{dotted}.")
        else:
            leaves[dotted] = value
    return leaves


def environment() -> Mapping[str, str]:
    """Return the environment of this process."""
    return os.environ
