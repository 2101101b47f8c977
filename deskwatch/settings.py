"""The only settings of the program: one class, composed of each package's own section."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from alerts.deadman import DeadmanSettings
from alerts.settings import AlertSettings
from collector.settings import CollectorSettings
from connectors.base.settings import VenueSettings
from core.errors import UsageError
from deskwatch import sources
from oms.settings import OmsSettings
from storage.settings import DatabaseSettings, WriterSettings

DEFAULT_FILE = Path("deskwatch.toml")


class BadConfiguration(UsageError):
    """The configuration is wrong."""


class AccountSettings(BaseModel):
    """One account at a venue; read-only keys are enough."""

    model_config = ConfigDict(extra="forbid")

    venue: str = Field(description="the venue's registry name, such as binance")
    key: SecretStr = Field(description="API key")
    secret: SecretStr = Field(description="API secret")
    symbols: list[str] = Field(
        default_factory=list, description="symbols whose trade history is compared; more are learnt"
    )
    rest_url: str | None = Field(default=None, description="another address than the venue's own, such as a simulator")
    ws_url: str | None = Field(default=None, description="likewise, for the private stream")


class SlackSettings(BaseModel):
    """The Slack workspace that hears of problems."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr | None = Field(default=None, description="bot token, xoxb-…; without it nothing is sent to Slack")
    app_token: SecretStr | None = Field(
        default=None, description="app-level token, xapp-…, for the buttons; without it messages name the commands"
    )
    actors: list[str] = Field(
        default_factory=list, description="Slack user ids or names that may press buttons; empty: everybody"
    )
    api_url: str = Field(default="https://slack.com/api/", description="the Web API's address")


class StatusSettings(BaseModel):
    """The status page."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(default="127.0.0.1", description="address to listen on; keep it on loopback")
    port: int = Field(default=8700, description="0 takes any free port")
    token: SecretStr | None = Field(
        default=None, description="what an action needs; without it one is made at the first start, in data/token"
    )


class LogSettings(BaseModel):
    """Logs, always on stderr."""

    model_config = ConfigDict(extra="forbid")

    json_lines: bool = Field(default=False, description="JSON lines for a log collector, instead of text for people")
    level: str = Field(default="info", description="debug, info, warning or error")


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=sources.PREFIX, env_nested_delimiter="__", extra="forbid", validate_default=True
    )

    data: Path = Field(default=Path("data"), description="folder of everything that must survive a restart")
    rules: list[Path] = Field(
        default=[Path("catalogue")], description="rule files, folders of *.yaml, and `catalogue`: the shipped rules"
    )
    routing: Path | None = Field(default=None, description="routing.yaml: routes, receivers; none: one Slack channel")
    questdb_jar: Path | None = Field(default=None, description="a QuestDB server jar to use instead of resolving one")
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    writer: WriterSettings = Field(default_factory=WriterSettings)
    venues: dict[str, VenueSettings] = Field(default_factory=dict)
    accounts: dict[str, AccountSettings] = Field(default_factory=dict)
    collector: CollectorSettings = Field(default_factory=CollectorSettings)
    oms: OmsSettings = Field(default_factory=OmsSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    slack: SlackSettings = Field(default_factory=SlackSettings)
    deadman: DeadmanSettings = Field(default_factory=DeadmanSettings)
    status: StatusSettings = Field(default_factory=StatusSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment, then secret files, then the TOML file."""
        del env_settings, dotenv_settings, file_secret_settings
        toml = TomlConfigSettingsSource(settings_cls)
        return (init_settings, Variables(settings_cls), SecretFiles(settings_cls), toml)


class Variables(EnvSettingsSource):
    """The environment, without the variables that name secret files: those are `SecretFiles`'."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        suffix = sources.FILE_SUFFIX.lower()
        return {name: value for name, value in super()._load_env_vars().items() if not name.lower().endswith(suffix)}


class SecretFiles(PydanticBaseSettingsSource):
    """Secrets from files, as `sources.secret_files` finds them."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Answer for one field; the whole tree is given by calling the source."""
        del field
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the tree of secrets."""
        return sources.secret_files(sources.environment())


def _file(config: Path | None) -> Path | None:
    if config is None:
        named = sources.environment().get("DESKWATCH_CONFIG")
        config = Path(named) if named else None
    if config is not None and not config.is_file():
        raise BadConfiguration(f"{config} does not exist", hint="Name an existing file with -c or DESKWATCH_CONFIG")
    return config or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)


def _class_for(file: Path | None) -> type[Settings]:
    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    return FromFile


def load(config: Path | None = None, **overrides: Any) -> Settings:  # noqa: ANN401  any field of Settings
    """Read every source and return the settings.

    Raises:
        BadConfiguration: every wrong value at once, with its name, its source and the nearest known name.
    """
    file = _file(config)
    sources.check_variables(sources.environment(), frozenset(Settings.model_fields))
    try:
        return _class_for(file)(**overrides)
    except ValidationError as error:
        raise BadConfiguration("\n" + "\n".join(_lines(error, file))) from error
    except ValueError as error:  # the TOML itself
        raise BadConfiguration(f"{file}: {error}", hint="Mend the line it names") from error


def _lines(error: ValidationError, file: Path | None) -> list[str]:
    lines = []
    for one in error.errors():
        name = ".".join(str(part) for part in one["loc"])
        text = one["msg"]
        if one["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(one["loc"][-1]), _siblings(one["loc"]), n=1)
            text = f"unknown setting{f', did you mean {near[0]!r}?' if near else ''}"
        lines.append(f"  {file or 'environment'}: {name}: {text}")
    return lines


def _siblings(path: tuple[str | int, ...]) -> list[str]:
    model: Any = Settings
    for part in path[:-1]:
        fields = getattr(model, "model_fields", {})
        if part not in fields:
            continue  # the key of a table such as venues.okx
        annotation = fields[part].annotation
        inner = [one for one in getattr(annotation, "__args__", ()) if hasattr(one, "model_fields")]
        model = inner[0] if inner else annotation
    return list(getattr(model, "model_fields", {}))


def explain(settings: Settings, config: Path | None = None) -> list[dict[str, object]]:
    """Return every setting with its value and its origin; secrets are hidden."""
    cls = _class_for(_file(config))
    environment = sources.flatten(Variables(cls)())
    secrets = sources.flatten(sources.secret_files(sources.environment()))
    file = sources.flatten(TomlConfigSettingsSource(cls)())
    rows: list[dict[str, object]] = []
    for name, value in sources.flatten(settings.model_dump(mode="json")).items():
        origin = next(
            (
                label
                for label, known in (("environment", environment), ("secret file", secrets), (str(_file(config)), file))
                if name in known
            ),
            "default",
        )
        rows.append({"setting": name, "value": value, "origin": origin})
    return rows
