"""Recognises merge tags of common mailing systems in URLs: only the sender knows the target of such a link."""

import re

_NAME = r"[A-Za-z_][\w.:-]*"
_NAMES = rf"{_NAME}(?: {_NAME})*"
_VALUE_END = r"(?=[&#;/?]|$)"
_VALUE_START = r"(?:^|(?<==))"
_GUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-"
_IPV6 = r"[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[^\]]*\]"
# For most systems the opening is enough: the tag's own quotes may have ended the attribute early.
_TAG = re.compile(
    "|".join(
        (
            r"\{\{|\{%(?!22|27)|\*\||\|\*|\[\[|%%|<%|[$#@]\{|<<|\xab",
            r"<[A-Za-z/][^<>]*>",
            rf"\{{\s*[$!#]?(?!{_GUID})[A-Za-z_][^{{}}]*\}}|\{{\d+\}}",  # {$email}, {contactfield=email}, {!name}, {0}
            rf"\(\({_NAMES}\)\)|[%$@]\({_NAME}\)",
            # [email] and [!email], but neither filter[colour] nor the host of an IPv6 address.
            rf"(?<![\w\]@])\[(?!{_IPV6})[!$#%*@-]?[A-Za-z_][^\[\]]*\]",
            rf"##[^#]+##|#{_NAMES}#{_VALUE_END}",
            rf"~~[^~]+~~|~{_NAMES}~{_VALUE_END}",
            rf"\${_NAMES}\$\$?{_VALUE_END}|(?<==)\$[A-Za-z_]\w*{_VALUE_END}",
            # If its delimiters also occur in URLs, a tag must be a whole value or a whole segment of the path.
            rf"(?:{_VALUE_START}|(?<=/))-[A-Za-z_][\w.:]*-{_VALUE_END}",
            rf"{_VALUE_START}(--?|__|!!?|\^|\|\|?|@@?|::?){_NAMES}\1{_VALUE_END}",
            r"@(?:TrackLink|UnsubscribeURL|[A-Z][A-Z_]+@)",
        )
    )
)
# Editors percent-encode the delimiters of tags, and systems still replace such tags.
_ENCODED = re.compile(r"%(?:7[BCDE]|5[BDE]|3[CE]|2[1A4]|20)|%C2%AB|%23%23", re.IGNORECASE)
_MARKS = {
    "%7B": "{", "%7C": "|", "%7D": "}", "%7E": "~", "%5B": "[", "%5D": "]", "%5E": "^", "%3C": "<", "%3E": ">",
    "%21": "!", "%2A": "*", "%24": "$", "%20": " ", "%C2%AB": "\xab", "%23%23": "##",
}  # fmt: skip
_ENCODED_PERCENT = re.compile(rf"%25%25|{_VALUE_START}%25{_NAMES}%25{_VALUE_END}|[{{<\[]%25")
_PERCENT_NAME = re.compile(rf"%{_NAMES}%")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


def has_merge_tag(url: str) -> bool:
    """Return whether `url` contains a merge tag of a common system, percent-encoded or not."""
    if _TAG.search(url):
        return True
    if "%" not in url:
        return False
    decoded = _ENCODED.sub(lambda match: _MARKS[match.group().upper()], url)
    if _TAG.search(decoded) or _ENCODED_PERCENT.search(decoded):
        return True
    # %email% is a tag, %C3%A9 is two escapes: a tag has a percent sign that does not begin an escape.
    return _PERCENT_NAME.search(decoded) is not None and "%" in _ESCAPE.sub("", decoded)
