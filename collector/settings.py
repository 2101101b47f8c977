"""Settings of the collector."""

from pydantic import BaseModel, ConfigDict, Field


class CollectorSettings(BaseModel):
    """How much may wait in memory."""

    model_config = ConfigDict(extra="forbid")

    queue_events: int = Field(
        default=50_000, ge=100, description="events that may wait; then books and quotes conflate"
    )
    book_levels: int = Field(default=20, ge=1, le=400, description="levels of a book that are stored, each side")
