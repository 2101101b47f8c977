"""Checksums of books: pure."""

from zlib import crc32

from connectors.base.contract import ChecksumRule

OKX_DEPTH = 25


def okx(bids: list[str], asks: list[str]) -> int:
    """Return OKX's hash: up to 25 levels a side, `price:size` as received, bid and ask in turn, CRC32 signed."""
    both = min(len(bids), len(asks))
    parts = [text for pair in zip(bids, asks, strict=False) for text in pair] + bids[both:] + asks[both:]
    unsigned = crc32(":".join(parts).encode())
    return unsigned - 0x1_0000_0000 if unsigned >= 0x8000_0000 else unsigned  # noqa: PLR2004  the sign bit


def depth(rule: ChecksumRule) -> int:
    """Return how many levels a side the rule reads."""
    return OKX_DEPTH if rule is ChecksumRule.OKX_CRC32 else 0
