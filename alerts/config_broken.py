"""The built-in alert of a rule or routing file that was changed and is wrong: what was loaded before goes on."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from rules.findings import Finding
from rules.model import Group, Rule, Sql

RULE = Rule(
    name="ConfigBroken",
    kind=Sql("", None, None),
    severity="warn",
    summary="{{ file }} is wrong: {{ why }}",
    description="What was loaded before goes on. Mend the file: it is loaded again by itself.",
)
GROUP = Group("deskwatch", Path("deskwatch"), timedelta(seconds=1), timedelta(), {}, (RULE,))


def findings(broken: Mapping[str, str]) -> list[Finding]:
    """Return one finding a broken file."""
    return [Finding({"file": file}, None, {"why": why}) for file, why in broken.items()]
