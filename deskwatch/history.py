"""Why somebody was told, or was not: `alert_events` read back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.ports import RowReader

MOST = 2000
COLUMNS = "ts, event, alertname, severity, from_state, to_state, receiver, reason, detail, incident, fingerprint, value"


class History:
    """Reads with the read-only user."""

    def __init__(self, reader: RowReader) -> None:
        self._reader = reader

    async def why(self, name: str) -> list[dict[str, Any]]:
        """Return everything about an incident and its alerts, about an alert by its fingerprint, or a rule by its name.

        The newest MOST rows, oldest first.
        """
        asked = {"name": name}
        of_incident = await self._rows("SELECT DISTINCT fingerprint FROM alert_events WHERE incident = %(name)s", asked)
        names = {f"f{place}": str(one["fingerprint"]) for place, one in enumerate(of_incident)}
        wanted = "".join(f", %({key})s" for key in names)
        return await self._rows(
            f"SELECT {COLUMNS} FROM alert_events WHERE fingerprint IN (%(name)s{wanted}) "  # noqa: S608  placeholders
            f"OR incident = %(name)s OR alertname = %(name)s ORDER BY ts DESC LIMIT {MOST}",
            asked | names,
            newest_last=True,
        )

    async def transitions(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        """Return what fired and ended, oldest first."""
        sql = (
            f"SELECT {COLUMNS}, labels FROM alert_events WHERE ts > %(since)s AND ts <= %(until)s "  # noqa: S608  ours
            f"AND event = 'transition' AND to_state IN ('firing', 'resolved') ORDER BY ts DESC LIMIT {MOST}"
        )
        return await self._rows(sql, {"since": since, "until": until}, newest_last=True)

    async def _rows(
        self, sql: str, parameters: Mapping[str, Any], *, newest_last: bool = False
    ) -> list[dict[str, Any]]:
        result = await self._reader.query(sql, parameters, limit=MOST)
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
        return rows[::-1] if newest_last else rows
