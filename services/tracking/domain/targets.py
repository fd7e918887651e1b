"""Where a link leads, and whether a click on it can be tracked."""

import re
import string
from typing import Literal
from urllib.parse import quote, urljoin, urlsplit

import idna

Reason = Literal[
    "empty",
    "fragment",
    "merge_tag",
    "unsubscribe",
    "mailto",
    "tel",
    "sms",
    "script",
    "scheme",
    "relative",
    "no_host",
    "too_long",
]

LONGEST_URL = 8192  # what a report of a click may name
_STRIPPED = "".join(map(chr, range(0x21)))
_REMOVED = str.maketrans("", "", "\t\n\r")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#@]*@)?)([^/?#:]+)")
_REASON_OF_SCHEME: dict[str, Reason] = {
    "mailto": "mailto", "tel": "tel", "callto": "tel", "sms": "sms", "smsto": "sms", "javascript": "script",
}  # fmt: skip
# {{…}}, {%…%}, *|…|*, [[…]], %%…%%, <%…%>, ${…}, #{…}; and a whole href of {…}, [[…]], %…% or $…$. The opening is
# enough: the tag's own quotes may have ended the attribute early.
_MERGE_TAG = re.compile(
    r"\{\{|\{%|\*\||\[\[|%%|<%|[$#]\{|%7B%7B|^(?:\{[^{}]*\}|\[[^][]*\]|%[\w.:-]+%|\$[\w.:-]+\$)$", re.IGNORECASE
)
_UNSUBSCRIBE = re.compile(
    r"unsub(?:scrib|\b|[_-])|opt(?:ing)?[ _-]?out\b|d[eé]sabonne|d[eé]sinscri|abmelde|abbestelle|uitschrijv|afmelden"
    r"|darse de baja|desuscrib|cancelar (?:la )?su[bs]?scri|annulla(?:re)? l.iscrizione|disiscri|avregistrera",
    re.IGNORECASE,
)
# At the start of a word that is not in the middle of a headline-like path.
_UNSUBSCRIBE_URL = re.compile(rf"(?:(?<![\w-])|list-|_)(?:{_UNSUBSCRIBE.pattern})", re.IGNORECASE)
_LONGEST_UNSUBSCRIBE_TEXT = 60  # "Unsubscribe from all our mail" is one; the headline of an article about it is not


def resolve(href: str, base: str | None) -> str:
    """The URL that `href`, its entities already decoded, means in a document with that `<base>`."""
    url = href.strip(_STRIPPED).translate(_REMOVED)
    if base and url and not url.startswith("#") and not _SCHEME.match(url):
        try:
            return urljoin(base, url)
        except ValueError:
            return url
    return url


def untrackable(url: str, text: str) -> Reason | None:
    """Why a click on a link to `url` that says `text` cannot, or must not, be tracked; None if it can."""
    if not url:
        return "empty"
    if _says_unsubscribe(url, text):
        return "unsubscribe"
    if _MERGE_TAG.search(url):
        return "merge_tag"
    if url.startswith("#"):
        return "fragment"
    scheme = _SCHEME.match(url)
    if scheme is None and not url.startswith("//"):
        return "relative"
    name = scheme.group(1).lower() if scheme else "https"
    if name not in ("http", "https"):
        return _REASON_OF_SCHEME.get(name, "scheme")
    if len(url) > LONGEST_URL:
        return "too_long"
    return None if _host(url) else "no_host"


def _says_unsubscribe(url: str, text: str) -> bool:
    if url.startswith("#") or url[:7].lower() == "mailto:":
        return False
    return bool(_UNSUBSCRIBE_URL.search(url) or (len(text) <= _LONGEST_UNSUBSCRIBE_TEXT and _UNSUBSCRIBE.search(text)))


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def location(url: str) -> str:
    """`url` as the `Location` of an answer: the same text, but for what a header cannot carry."""
    if url.isascii() and url.isprintable() and " " not in url:
        return url
    if (host := _HOST.match(url)) and not host.group(2).isascii():
        url = f"{host.group(1)}{_ascii_host(host.group(2))}{url[host.end() :]}"
    return quote(url, safe=string.punctuation)


def _ascii_host(host: str) -> str:
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return host  # percent-encoded with the rest; the browser decides
