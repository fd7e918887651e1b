"""Compares the URLs of links in messages."""

from services.tracking.domain.references import attribute_text
from services.tracking.domain.targets import cleaned, location
from shared import urls


def comparable(url: str) -> str:
    """Return `url` in a normalised form, in which character references and line breaks make no difference."""
    return urls.in_one_spelling(_decoded(url))


def without_campaign(url: str) -> str:
    """Return `url` without the parameters that only count visits, and without a slash at the end of its path."""
    return urls.without_campaign(_decoded(url))


def _decoded(url: str) -> str:
    return location(cleaned(attribute_text(url)))
