"""`deskwatch alerts` and `deskwatch silence`: the twin of the buttons in Slack and on the page."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deskwatch.output import Form, Output, print_json, print_table, say

app = typer.Typer(help="See, explain, acknowledge and resolve alerts.", no_args_is_help=True)
silence_app = typer.Typer(help="Keep alerts quiet for a while.", no_args_is_help=True)

ConfigFile = Annotated[Path | None, typer.Option("-c", "--config", help="the configuration file", show_default=False)]
Incident = Annotated[str, typer.Argument(help="the incident, as the message's last line names it")]
Actor = Annotated[str, typer.Option("--as", help="who does it; else the name that you are logged in with")]
INCIDENT_COLUMNS = ["incident", "state", "severity", "title", "firing", "opened_at", "receiver", "who"]


@app.command("list")
def list_alerts(output: Output = Form.TABLE, config: ConfigFile = None) -> None:
    """List the open incidents, those that nobody has in hand first.

    Examples: `deskwatch alerts list`, `deskwatch alerts list -o json`.
    """
    from deskwatch.desk_api import DeskApi

    found = DeskApi(config).get("incidents")["incidents"]
    if output is Form.JSON:
        print_json(found)
    else:
        print_table(INCIDENT_COLUMNS, [{**one, "who": _who(one)} for one in found], empty="nothing fires")


@app.command()
def show(incident: Incident, output: Output = Form.TABLE, config: ConfigFile = None) -> None:
    """Show an open incident and its alerts.

    Example: `deskwatch alerts show 3f2a9c0d11ee`.
    """
    from core.errors import UsageError
    from deskwatch.desk_api import DeskApi

    desk = DeskApi(config)
    one = next((one for one in desk.get("incidents")["incidents"] if one["incident"] == incident), None)
    if one is None:
        raise UsageError(f"no incident {incident} is open", hint="`deskwatch alerts why` tells of those that are over")
    firing = desk.get("v1", "alerts")["data"]["alerts"]
    wanted = [alert for alert in firing if all(alert["labels"].get(k) == v for k, v in one["labels"].items())]
    if output is Form.JSON:
        print_json({**one, "alerts": wanted})
        return
    print_table(INCIDENT_COLUMNS, [{**one, "who": _who(one)}], empty="")
    rows = [{**alert, "labels": _labels(alert["labels"]), **alert["annotations"]} for alert in wanted]
    print_table(["state", "activeAt", "value", "labels", "summary"], rows, empty="none of its alerts fires")


@app.command()
def why(
    name: Annotated[str, typer.Argument(help="an incident, an alert's fingerprint, or a rule's name")],
    output: Output = Form.TABLE,
    config: ConfigFile = None,
) -> None:
    """Tell why somebody was told, or was not: every send, hold and drop with its reason, and what people did.

    Examples: `deskwatch alerts why 3f2a9c0d11ee`, `deskwatch alerts why BookStale -o json`.
    """
    from deskwatch.desk_api import DeskApi

    found = DeskApi(config).get("why", name)["events"]
    if output is Form.JSON:
        print_json(found)
    else:
        rows = [{**one, "what": _step(one)} for one in found]
        columns = ["ts", "alertname", "what", "reason", "detail", "receiver", "value", "incident"]
        print_table(columns, rows, empty="nothing is recorded under this name")
    raise typer.Exit(0 if found else 1)


@app.command()
def history(
    span: Annotated[str, typer.Option("--for", help="how far back: 1h, 7d")] = "1d",
    output: Output = Form.TABLE,
    config: ConfigFile = None,
) -> None:
    """List what fired and ended, oldest first.

    Examples: `deskwatch alerts history`, `deskwatch alerts history --for 7d -o json`.
    """
    from deskwatch.desk_api import DeskApi

    found = DeskApi(config).get("history", **{"for": span})["events"]
    if output is Form.JSON:
        print_json(found)
    else:
        print_table(["ts", "severity", "alertname", "to_state", "reason", "value", "labels"], found, empty="nothing")


@app.command()
def ack(incident: Incident, actor: Actor = "", config: ConfigFile = None) -> None:
    """Acknowledge an incident: you look after it, and nobody is reminded of it.

    Example: `deskwatch alerts ack 3f2a9c0d11ee`.
    """
    _act(config, "ack", incident, actor)


@app.command()
def unack(incident: Incident, actor: Actor = "", config: ConfigFile = None) -> None:
    """Take an acknowledgement back.

    Example: `deskwatch alerts unack 3f2a9c0d11ee`.
    """
    _act(config, "unack", incident, actor)


@app.command()
def resolve(incident: Incident, actor: Actor = "", config: ConfigFile = None) -> None:
    """Close an incident by hand; what still breaches stays closed until it has recovered once.

    Example: `deskwatch alerts resolve 3f2a9c0d11ee`.
    """
    _act(config, "resolve", incident, actor)


@silence_app.command("add")
def add_silence(  # noqa: PLR0913, PLR0917  each is an option of the command
    match: Annotated[list[str] | None, typer.Argument(help="conditions on labels, all of which must hold")] = None,
    comment: Annotated[str, typer.Option("-m", "--comment", help="why; required")] = "",
    span: Annotated[str, typer.Option("--for", help="how long: 30m, 4h, 2d; 1h unless given")] = "",
    weekly: Annotated[
        list[str] | None, typer.Option("--weekly", help="only then, each week: 'sat,sun 02:00-04:00 Asia/Tokyo'")
    ] = None,
    incident: Annotated[str, typer.Option("--incident", help="instead of conditions: all of this incident")] = "",
    actor: Actor = "",
    output: Output = Form.TABLE,
    config: ConfigFile = None,
) -> None:
    """Silence alerts: messages that are open say so, and you are reminded before it ends.

    Examples: `deskwatch silence add 'venue = "okx"' --for 2h -m "OKX upgrades"`,
    `deskwatch silence add 'venue = "kraken"' --weekly "sun 02:00-04:00 UTC" -m "weekly maintenance"`.
    """
    from deskwatch.desk_api import DeskApi

    desk = DeskApi(config)
    more = {"comment": comment, "for_": span, "actor": actor}
    if incident:
        status, answer = desk.act("POST", "incidents", incident, "silence", **more)
    else:
        status, answer = desk.act("POST", "silences", match=match, weekly=weekly, **more)
    if output is Form.JSON:
        print_json(answer)
    else:
        made = answer.get("silence")
        say(f"silence {made['id']} until {made['ends_at']}" if made else answer["result"])
    raise typer.Exit(0 if _fine(status) else 1)


@silence_app.command("list")
def list_silences(
    output: Output = Form.TABLE,
    config: ConfigFile = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="those that are over too")] = False,
) -> None:
    """List silences.

    Examples: `deskwatch silence list`, `deskwatch silence list --all -o json`.
    """
    from deskwatch.desk_api import DeskApi

    found = [one for one in DeskApi(config).get("silences")["silences"] if every or one["state"] != "expired"]
    if output is Form.JSON:
        print_json(found)
    else:
        rows = [{**one, "match": ", ".join(one["match"]), "weekly": ", ".join(one["weekly"])} for one in found]
        print_table(["id", "state", "match", "ends_at", "weekly", "author", "comment"], rows, empty="no silences")


@silence_app.command()
def expire(
    silence: Annotated[str, typer.Argument(help="the silence's id")], actor: Actor = "", config: ConfigFile = None
) -> None:
    """End a silence now.

    Example: `deskwatch silence expire 91c2d0aa37fe`.
    """
    from deskwatch.desk_api import DeskApi

    status, answer = DeskApi(config).act("DELETE", "silences", silence, actor=actor)
    _tell(status, answer)


def _act(config: Path | None, action: str, incident: str, actor: str) -> None:
    from deskwatch.desk_api import DeskApi

    status, answer = DeskApi(config).act("POST", "incidents", incident, action, actor=actor)
    _tell(status, answer)


def _tell(status: int, answer: dict[str, Any]) -> None:
    texts = {
        "done": "done",
        "already": "it was so before",
        "resolved": "this incident is over",
        "unknown": "there is no such incident or silence",
    }
    say(texts[answer["result"]])
    raise typer.Exit(0 if _fine(status) else 1)


def _fine(status: int) -> bool:
    return status == 200  # noqa: PLR2004  OK


def _who(one: dict[str, Any]) -> str:
    if one["silenced"]:
        return f"{one['silenced']['actor']} until {one['silenced']['until']}"
    return str(one["ack"]["actor"]) if one["ack"] else ""


def _labels(labels: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items() if name not in ("alertname", "severity"))


def _step(one: dict[str, Any]) -> str:
    if one["event"] == "transition":
        return f"{one['from_state']} → {one['to_state']}"
    return f"{one['event']} {one['to_state'] or ''}".rstrip()
