"""Addresses of links, compared as they are written in a message."""

from services.tracking.domain.references import attribute_text
from services.tracking.domain.targets import cleaned, location
from shared import urls


def comparable(url: str) -> str:
    """Return `url` in the one way in which it is compared, however it is written: with references, line breaks, …"""
    return urls.in_one_spelling(_written_out(url))


def without_campaign(url: str) -> str:
    """Return `url` without the parameters that only count visits, and without a slash at the end of its path."""
    return urls.without_campaign(_written_out(url))


def _written_out(url: str) -> str:
    return location(cleaned(attribute_text(url)))
