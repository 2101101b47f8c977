"""Rules that come with deskwatch: what a desk wants to know on its first day. Copy them and make them yours."""

from pathlib import Path


def folder() -> Path:
    """Return the folder of the catalogue's rule files."""
    return Path(__file__).parent
