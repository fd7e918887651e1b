"""Decisions of the public pages: the language, and colours with enough contrast."""

from collections.abc import Sequence

from services.labeling.domain.labels import LANGUAGES

DEFAULT_COLOUR = "#1f5f8b"
LEAST_CONTRAST = 4.5  # WCAG 2, level AA, for text


def page_language(contact: str | None, accept: str, account: Sequence[str]) -> str:
    """Return the language of a page: the contact's, else the browser's, else the account's, else English."""
    tags = [contact or "", *_accepted_tags(accept)]
    for tag in tags:
        language = tag.strip().lower().replace("_", "-").partition("-")[0]
        if language in LANGUAGES:
            return language
    return account[0] if account else "en"


def _accepted_tags(header: str) -> list[str]:
    weighted: list[tuple[float, int, str]] = []
    for index, item in enumerate(header.split(",")[:20]):
        tag, _, parameters = item.partition(";")
        weight = parameters.strip().removeprefix("q=") if "q=" in parameters else "1"
        try:
            weighted.append((-float(weight), index, tag))
        except ValueError:
            continue
    return [tag for weight, _, tag in sorted(weighted) if weight < 0]


def readable(colour: str | None) -> str:
    """Return a colour of the form #rrggbb, darkened until it has enough contrast with white."""
    red, green, blue = (int((colour or DEFAULT_COLOUR)[start : start + 2], 16) for start in (1, 3, 5))
    while 1.05 / (_luminance(red, green, blue) + 0.05) < LEAST_CONTRAST:
        red, green, blue = (int(part * 0.95) for part in (red, green, blue))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _luminance(*parts: int) -> float:
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
