"""Settings of the OMS."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field


class OmsSettings(BaseModel):
    """How often the venue's history is compared with ours, and how far back."""

    model_config = ConfigDict(extra="forbid")

    compare_every: timedelta = Field(default=timedelta(seconds=30), description="comparison of fills with the history")
    overlap: timedelta = Field(default=timedelta(minutes=5), description="how far each comparison reaches back")
    first_look_back: timedelta = Field(default=timedelta(hours=1), description="history read at the very first start")
    settle: timedelta = Field(
        default=timedelta(seconds=5), description="age from which a fill must be known to both stream and history"
    )
