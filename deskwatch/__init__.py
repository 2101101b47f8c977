"""The program: command line, settings, wiring, status page, notebook API.

In a notebook: `import deskwatch; dw = deskwatch.open(); dw.fills("1h", venue="OKX")`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deskwatch.notebook import Notebook


def open(config: Path | str | None = None) -> "Notebook":  # noqa: A001  the verb an analyst tries first
    """Return the tables of the desk as Polars frames; the settings say where the database is.

    Raises:
        UsageError: the configuration is wrong, or no database runs.
    """
    from deskwatch.notebook import open_notebook  # noqa: PLC0415  Polars costs what `deskwatch --help` must not

    return open_notebook(Path(config) if config is not None else None)
