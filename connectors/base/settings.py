"""Settings of one venue's market data."""

from pydantic import BaseModel, ConfigDict, Field

from core.types import Channel, Symbol


class VenueSettings(BaseModel):
    """One venue: which symbols and channels to take, and from where."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(default=True, description="false keeps the section but takes nothing from the venue")
    symbols: list[Symbol] = Field(default_factory=list, description="canonical symbols, such as BTC-USDT")
    channels: list[Channel] = Field(
        default=[Channel.TRADES, Channel.QUOTES, Channel.BOOKS], description="kinds of streams to take for each symbol"
    )
    ws_url: str | None = Field(default=None, description="another WebSocket address than the venue's own")
    rest_url: str | None = Field(default=None, description="another REST address than the venue's own")
