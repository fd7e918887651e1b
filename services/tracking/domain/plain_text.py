"""Generates the text part of a mail from its HTML."""

import re

from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

_CONFIG = ParserConfig(css=CSS_PROFILES["strict"].copy(), display_links=True, display_images=False)
_LINK = re.compile(r"\[([^\[\]\n]*)\]\(([^()\s]*)\)")
_PADDING = re.compile(r"[ \t\xa0]{2,}")
_EMPTY_LINES = re.compile(r"\n(?:[ \t\xa0]*\n){2,}")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u200b\u200c\u200d\u2060\ufeff]+(?=[\\s\u00ad\u034f\u200b\u200c\u200d\u2060\ufeff]|$)"
)


def text_of(html: str) -> str:
    """Return the text of `html`, with the URL of each link after its text."""
    text = get_text(html, _CONFIG) if html.strip() else ""
    text = _LINK.sub(lambda link: f"{link[1]} ({link[2]})" if link[1].strip() else link[2], text)
    lines = (_PADDING.sub(" ", _INVISIBLE.sub("", line)).strip() for line in text.splitlines())
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()
