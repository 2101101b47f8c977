"""Settings of the database, the spool and the writer."""

from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class DatabaseSettings(BaseModel):
    """QuestDB: without `host` an embedded server is started, kept and supervised."""

    model_config = ConfigDict(extra="forbid")

    host: str | None = Field(default=None, description="address of your own server; unset: the embedded one")
    http_port: int = Field(default=0, description="HTTP port; 0 takes a free one (embedded only)")
    pg_port: int = Field(default=0, description="PostgreSQL wire port; 0 takes a free one (embedded only)")
    user: str = Field(default="deskwatch", description="the writer's name (HTTP)")
    password: SecretStr | None = Field(default=None, description="the writer's password; embedded: generated")
    reader_user: str = Field(default="deskwatch_reader", description="the read-only user's name (PostgreSQL wire)")
    reader_password: SecretStr | None = Field(default=None, description="its password; embedded: generated")
    jar: Path | None = Field(default=None, description="a QuestDB server jar to use instead of resolving one")
    heap: str = Field(default="512m", description="JVM heap of the embedded server")
    statement_timeout: timedelta = Field(default=timedelta(seconds=2), description="longest time a read may take")
    readers: int = Field(default=6, ge=1, le=32, description="read connections at most")


class WriterSettings(BaseModel):
    """The write path: how rows become batches, and how much may wait on disk."""

    model_config = ConfigDict(extra="forbid")

    batch_rows: int = Field(default=2000, ge=1, description="rows in a batch at most")
    batch_time: timedelta = Field(
        default=timedelta(milliseconds=25), description="longest wait of a row in the open batch"
    )
    bulk_spool_bytes: int = Field(
        default=2_000_000_000, description="market data that may wait on disk; then the oldest goes"
    )
    request_timeout: timedelta = Field(
        default=timedelta(seconds=10), description="longest wait for the database's answer"
    )
    min_free_bytes: int = Field(
        default=1_000_000_000, description="below this free space market data waits in the spool"
    )
