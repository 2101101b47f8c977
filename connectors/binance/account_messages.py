"""What Binance spot says about an account: one struct per message, fields named as on the wire.

https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream and /rest-api/account-endpoints
"""

from typing import Any

import msgspec


class Failure(msgspec.Struct):
    """The error of a WS API answer."""

    code: int = 0
    msg: str = ""


class Envelope(msgspec.Struct):
    """The head of any frame: an answer (`id`, `status`), a wrapped event (`event`), or a bare event (`e`)."""

    id: str | int | None = None
    status: int | None = None
    result: Any = None
    error: Failure | None = None
    subscriptionId: int | None = None  # noqa: N815  the wire's name
    event: msgspec.Raw = msgspec.Raw()
    e: str = ""


class Head(msgspec.Struct):
    """The name of an event."""

    e: str = ""


class ExecutionReport(msgspec.Struct):
    """An order changed."""

    E: int
    s: str
    c: str
    S: str
    o: str
    f: str
    q: str
    p: str
    x: str
    X: str
    i: int
    T: int
    l: str  # noqa: E741  the wire's name
    L: str
    z: str
    Z: str
    n: str | None = None
    N: str | None = None
    t: int = -1
    m: bool = False
    C: str = ""
    r: str = "NONE"
    eR: int | str | None = None  # noqa: N815  the wire's name
    I: int = 0  # noqa: E741  the wire's name
    A: str | None = None


class Holding(msgspec.Struct):
    """One asset of an account position."""

    a: str
    f: str
    l: str  # noqa: E741  the wire's name


class AccountPosition(msgspec.Struct):
    """Absolute balances of the assets that an event may have changed."""

    E: int
    B: list[Holding]
    u: int = 0


class BalanceUpdate(msgspec.Struct):
    """A deposit, withdrawal or transfer: a difference."""

    E: int
    a: str
    d: str
    T: int = 0


class MyTrade(msgspec.Struct):
    """One row of myTrades."""

    symbol: str
    id: int
    orderId: int  # noqa: N815  the wire's name
    price: str
    qty: str
    commission: str
    commissionAsset: str  # noqa: N815  the wire's name
    time: int
    isBuyer: bool  # noqa: N815  the wire's name
    isMaker: bool  # noqa: N815  the wire's name


class RestOrder(msgspec.Struct):
    """One row of openOrders or allOrders."""

    symbol: str
    orderId: int  # noqa: N815  the wire's name
    clientOrderId: str  # noqa: N815  the wire's name
    price: str
    origQty: str  # noqa: N815  the wire's name
    executedQty: str  # noqa: N815  the wire's name
    cummulativeQuoteQty: str  # noqa: N815  the wire's name
    status: str
    timeInForce: str  # noqa: N815  the wire's name
    type: str
    side: str
    time: int = 0
    updateTime: int = 0  # noqa: N815  the wire's name


class AssetBalance(msgspec.Struct):
    """One asset of the account answer."""

    asset: str
    free: str
    locked: str


class AccountInformation(msgspec.Struct):
    """The account answer."""

    balances: list[AssetBalance]
    updateTime: int = 0  # noqa: N815  the wire's name
