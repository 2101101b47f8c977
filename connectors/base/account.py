"""What every venue's account connector is given."""

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """Key and secret of one account, and other addresses than the venue's own where given."""

    key: SecretStr
    secret: SecretStr
    rest_url: str | None = None
    ws_url: str | None = None
