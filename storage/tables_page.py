"""The page of tables, made from the schema: `python -m storage.tables_page > docs/tables.md`."""

import sys

from storage.schema import TABLES, TS, Lane, Table

_HEAD = """\
# Tables

Made from `storage/tables.py` with `python -m storage.tables_page > docs/tables.md`; do not edit it by hand.

Every row is written at least once and kept once: a table's keys decide which rows are the same. `ts` is event time
where the venue gives it, UTC, in nanoseconds; `received` is when we heard. Rows of a *critical* table are never dropped
and never wait behind *bulk* ones. A row older than the table's TTL is not kept.
"""


def page() -> str:
    """Return the whole page, Markdown."""
    return "\n".join([_HEAD, _overview(), *(_section(table) for table in TABLES.values())])


def _overview() -> str:
    lines = ["| table | what | lane | partition | TTL |", "|---|---|---|---|---|"]
    lines += [
        f"| [{table.name}](#{table.name}) | {_cell(table.meaning)} | {table.lane} | {table.partition} | {_ttl(table)} |"
        for table in TABLES.values()
    ]
    return "\n".join(lines) + "\n"


def _section(table: Table) -> str:
    keys = ", ".join(f"`{key}`" for key in ("ts", *table.keys))
    kept = "kept for ever" if table.ttl is None else f"kept for {_ttl(table)}"
    when_full = "never dropped" if table.lane is Lane.CRITICAL else "dropped oldest first when the spool is full"
    lines = [
        f"## {table.name}",
        "",
        f"{table.meaning} Partitioned by {table.partition.lower()}, {kept}, {when_full}. Keys: {keys}.",
        "",
        "| column | type | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{column.name}` | {column.type} | {_cell(column.meaning)} |" for column in (TS, *table.columns)]
    return "\n".join(lines) + "\n"


def _ttl(table: Table) -> str:
    return "none" if table.ttl is None else table.ttl.lower()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
