"""The state of the machine that a figure was measured on: a figure without it says little."""

import os
import platform
import sys
from importlib.metadata import version

import psutil

PACKAGES = ("aiohttp", "questdb", "psycopg", "websockets", "msgspec", "numpy", "polars")


def machine() -> dict[str, object]:
    """Return cores, load, memory and versions, as JSON can hold them."""
    memory = psutil.virtual_memory()
    return {
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)),
        "load": [round(one, 2) for one in os.getloadavg()],
        "memory_gb": round(memory.total / 1e9, 1),
        "available_gb": round(memory.available / 1e9, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def show(state: dict[str, object]) -> str:
    """Return the state as one line."""
    load = ", ".join(str(one) for one in state["load"]) if isinstance(state["load"], list) else ""
    return (
        f"machine: {state['usable_cores']} of {state['cores']} cores, load {load}, "
        f"{state['available_gb']} of {state['memory_gb']} GB free, {state['system']}, Python {state['python']}"
    )


if __name__ == "__main__":
    sys.stdout.write(show(machine()) + "\n")
