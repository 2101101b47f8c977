"""Write the dashboards from their code: `python -m grafana`."""

import json
import sys
from pathlib import Path

from grafana import desk_overview

FOLDER = Path(__file__).parent / "dashboards"


def main() -> None:
    """Write every dashboard."""
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / desk_overview.FILE
    file.write_text(text())
    sys.stdout.write(f"{file.name}\n")


def text() -> str:
    """Return the overview as it is committed."""
    return json.dumps(desk_overview.build(), indent=2) + "\n"


if __name__ == "__main__":
    main()
