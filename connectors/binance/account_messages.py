"""What Binance spot says about an account: one struct per message, fields named as on the wire.

https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream and /rest-api/account-endpoints
"""

from typing import Annotated, Any, TypeAlias

import msgspec

Millis: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854)]
"""A moment in ms whose ns fit 64 bits; beyond (the year 2262) it is no moment that a venue could mean."""

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
"""An id; -1 means none."""


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

    E: Millis
    s: str
    c: str
    S: str
    o: str
    f: str
    q: str
    p: str
    x: str
    X: str
    i: Number
    T: Millis
    l: str  # noqa: E741  the wire's name
    L: str
    z: str
    Z: str
    n: str | None = None
    N: str | None = None
    t: Number = -1
    m: bool = False
    C: str = ""
    r: str = "NONE"
    eR: int | str | None = None  # noqa: N815  the wire's name
    I: Number = 0  # noqa: E741  the wire's name
    A: str | None = None


class Holding(msgspec.Struct):
    """One asset of an account position."""

    a: str
    f: str
    l: str  # noqa: E741  the wire's name


class AccountPosition(msgspec.Struct):
    """Absolute balances of the assets that an event may have changed."""

    E: Millis
    B: list[Holding]
    u: Millis = 0


class BalanceUpdate(msgspec.Struct):
    """A deposit, withdrawal or transfer: a difference."""

    E: Millis
    a: str
    d: str
    T: Millis = 0


class MyTrade(msgspec.Struct):
    """One row of myTrades."""

    symbol: str
    id: Number
    orderId: Number  # noqa: N815  the wire's name
    price: str
    qty: str
    commission: str
    commissionAsset: str  # noqa: N815  the wire's name
    time: Millis
    isBuyer: bool  # noqa: N815  the wire's name
    isMaker: bool  # noqa: N815  the wire's name


class RestOrder(msgspec.Struct):
    """One row of openOrders or allOrders."""

    symbol: str
    orderId: Number  # noqa: N815  the wire's name
    clientOrderId: str  # noqa: N815  the wire's name
    price: str
    origQty: str  # noqa: N815  the wire's name
    executedQty: str  # noqa: N815  the wire's name
    cummulativeQuoteQty: str  # noqa: N815  the wire's name
    status: str
    timeInForce: str  # noqa: N815  the wire's name
    type: str
    side: str
    time: Millis = 0
    updateTime: Millis = 0  # noqa: N815  the wire's name


class AssetBalance(msgspec.Struct):
    """One asset of the account answer."""

    asset: str
    free: str
    locked: str


class AccountInformation(msgspec.Struct):
    """The account answer."""

    balances: list[AssetBalance]
    updateTime: Millis = 0  # noqa: N815  the wire's name
