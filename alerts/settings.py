"""Settings of rules' evaluation and of notifications, for what `routing.yaml` does not say."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field


class AlertSettings(BaseModel):
    """How rules run, and how soon and how often a receiver hears of a group of alerts."""

    model_config = ConfigDict(extra="forbid")

    channel: str = Field(default="#alerts", description="Slack channel of the default receiver, without routing.yaml")
    group_by: list[str] = Field(default=["alertname"], description="labels that alerts of one message share")
    group_wait: timedelta = Field(default=timedelta(seconds=1), description="wait for more alerts before the message")
    group_interval: timedelta = Field(default=timedelta(seconds=10), description="between two messages of one group")
    repeat_interval: timedelta = Field(default=timedelta(hours=4), description="reminder while nothing changes")
    statement_timeout: timedelta = Field(
        default=timedelta(seconds=5), description="the longest a rule's query may take"
    )
    path_late: timedelta = Field(
        default=timedelta(seconds=5),
        description="rows later than this: `stale` and `absent` hold, and DataPathBehind tells of it",
    )
    external_url: str = Field(default="", description="address of the status page, as a reader of Slack reaches it")
