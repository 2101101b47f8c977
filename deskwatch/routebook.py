"""The routing that is configured, or that a command names: loaded, checked, tested."""

from datetime import datetime
from pathlib import Path

from alerts.route import check_routing, default_routing, load_routing
from alerts.routetest import Checked, run_file
from alerts.tree import Routing
from deskwatch.settings import Settings, load
from rules.problems import Problem


def load_routes(settings: Settings) -> Routing:
    """Return the configured routing.

    Raises:
        BadRouting: with every mistake in it.
    """
    if settings.routing is None:
        return default_routing(settings.alerts)
    return load_routing(settings.routing, settings.alerts)


def check_routes(file: Path | None, config: Path | None) -> list[Problem]:
    """Return what is wrong with a routing file, or with the configured one.

    Raises:
        BadRouting: it cannot be read.
    """
    settings = load(config)
    chosen = file or settings.routing
    return check_routing(chosen, settings.alerts)[1] if chosen is not None else []


def try_routes(file: Path, routing: Path | None, config: Path | None, now: datetime) -> Checked:
    """Run a file of route tests on a routing file, or on the configured one.

    Raises:
        BadRouting, BadRouteTest: a file is wrong.
    """
    settings = load(config)
    routes = load_routing(routing, settings.alerts) if routing is not None else load_routes(settings)
    return run_file(file, routes, now)
