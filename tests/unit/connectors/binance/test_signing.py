"""Signatures: the venue's own examples, and the bytes that are sent are the bytes that are signed."""

from urllib.parse import parse_qsl

from pydantic import SecretStr

from connectors.binance.signing import BinanceSigner
from core.types import MILLISECOND

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
NOW = 1_499_827_319_559 * MILLISECOND
ORDER = {
    "symbol": "LTCBTC", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.1",
}  # fmt: skip


def signer() -> BinanceSigner:
    """Return a signer with the key of the venue's documentation."""
    return BinanceSigner(SecretStr(KEY), SecretStr(SECRET))


def test_the_documented_example_is_signed_alike() -> None:
    """The venue's REST page gives this query, key pair and signature."""
    query, headers = signer().sign(ORDER, NOW)
    assert query.endswith("&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71")
    assert headers == {"X-MBX-APIKEY": KEY}


def test_what_is_sent_is_percent_encoded_before_it_is_signed() -> None:
    """A character that needs it travels encoded, and comes back whole."""
    query, _ = signer().sign({"newClientOrderId": "a b/ü&x=1"}, NOW)
    assert "a%20b%2F%C3%BC%26x%3D1" in query
    assert dict(parse_qsl(query))["newClientOrderId"] == "a b/ü&x=1"


def test_a_message_has_whole_numbers_and_its_signature_covers_every_name_in_order() -> None:
    """The WS API signs the parameters sorted by name."""
    signed = signer().sign_message({}, NOW)
    assert list(signed)[-1] == "signature"
    assert (signed["timestamp"], signed["recvWindow"]) == (1_499_827_319_559, 5000)


def test_neither_key_nor_secret_shows() -> None:
    """Not in the text of a signer, whoever prints it."""
    assert KEY not in repr(vars(signer()))
    assert SECRET not in repr(vars(signer()))
