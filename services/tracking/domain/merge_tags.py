"""Merge tags of the usual mailing systems, in an address: only the sender knows where such a link leads."""

import re
from urllib.parse import unquote

_NAME = r"[A-Za-z_][\w.:-]*"
# The opening is enough for most: the tag's own quotes may have ended the attribute early.
_TAG = re.compile(
    "|".join(
        (
            r"\{\{|\{%|\*\||\[\[|%%|<%|[$#]\{|<<",
            r"\{[$!#]?[A-Za-z_][^{}]*\}",  # {$email}, {contactfield=email}, {!name}
            rf"##\s*{_NAME}\s*##|#{_NAME}#",
            rf"~~[^~]+~~|~{_NAME}~",
            rf"\${_NAME}\$",
            # [email], but neither filter[colour] nor the host of an IPv6 address.
            r"(?<!//)(?<![\w\]@])\[[A-Za-z_][^\[\]]*\]",
            rf"(?<==)-{_NAME}-(?=[&#;]|$)",
            r"@(?:TrackLink|UnsubscribeURL|[A-Z][A-Z_]+@)",
        )
    )
)
_ENCODED = re.compile(r"%7B%7B|%7B%25|\*%7C|%5B%5B|%3C%25|%3C%3C|%24%7B", re.IGNORECASE)
_PERCENT_NAME = re.compile(rf"%{_NAME}%")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


def has_merge_tag(url: str) -> bool:
    """Return whether a merge tag of a usual system stands anywhere in `url`."""
    if _TAG.search(url):
        return True
    if "%" not in url:
        return False
    if _ENCODED.search(url) and _TAG.search(unquote(url)):
        return True
    # %email% is a tag, %C3%A9 is two escapes: a tag leaves a percent sign over that begins no escape.
    return _PERCENT_NAME.search(url) is not None and "%" in _ESCAPE.sub("", url)
