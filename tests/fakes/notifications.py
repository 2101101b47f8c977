"""Made-up incidents."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alerts.model import AlertStatus, AlertView, Labels, Notification, Reason, Severity

AT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def alert(name: str = "BookStale", labels: Labels | None = None, **changes: object) -> AlertView:
    """Return a firing alert of a stale book, with what a test changes."""
    labels = {"venue": "okx", "symbol": "BTC-USDT"} if labels is None else labels
    one = AlertView(
        fingerprint=name,
        alertname=name,
        labels={"alertname": name, **labels},
        status=AlertStatus.FIRING,
        severity=Severity.PAGE,
        value=12.4,
        value_now=12.4,
        summary="OKX BTC-USDT book is 12.4 s old",
        description="",
        runbook="",
        dashboard="",
        fired_at=AT - timedelta(minutes=3),
        resolved_at=None,
    )
    return replace(one, **changes)  # type: ignore[arg-type]  # a test names fields of AlertView


def notification(*alerts: AlertView, **changes: object) -> Notification:
    """Return an incident of these alerts, or of one stale book, that has just opened."""
    told = alerts or (alert(),)
    one = Notification(
        incident="INC1",
        version=1,
        receiver="default",
        group={"alertname": told[0].alertname},
        status=AlertStatus.FIRING,
        severity=Severity.PAGE,
        reason=Reason.FIRST_NOTIFICATION,
        alerts=told,
        opened_at=AT - timedelta(minutes=3),
        closed_at=None,
        at=AT,
    )
    return replace(one, **changes)  # type: ignore[arg-type]  # a test names fields of Notification
