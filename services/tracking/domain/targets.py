"""The target of a link, and whether clicks on it can be tracked."""

import re
import string
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

import idna

from services.tracking.domain.merge_tags import has_merge_tag
from services.tracking.domain.unsubscribing import leads_to_unsubscribing, says_unsubscribe

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
    "no_scheme",
    "no_host",
    "too_long",
    "tracked",
    "never",
]
# These reasons are guesses. The account may override them and track the link anyway.
GUESSES: frozenset[Reason] = frozenset({"merge_tag", "unsubscribe", "tracked"})
HINTS: dict[Reason, str] = {
    "no_scheme": "Mail programs open it as http://…; use the full address, with https://.",
    "tracked": "This is already a tracked link. Use the address that it redirects to instead.",
    "relative": "Mails have no base URL, so relative links do not work; use the full address.",
    "merge_tag": "Only the sender of the mail knows its target, because it contains a merge tag.",
}

LONGEST_URL = 8192  # maximum length of a URL that a report of a click may name
_STRIPPED = "".join(map(chr, range(0x21)))
_REMOVED = str.maketrans("", "", "\t\n\r")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#@]*@)?)([^/?#:]+)")
_PATH_END = re.compile("[?#]")
_DOTS = re.compile(r"(?:^|/)\.\.?(?:/|$)")
_WWW = re.compile(r"www\.[\w-]+\.[\w.-]+", re.IGNORECASE)
_REASON_OF_SCHEME: dict[str, Reason] = {
    "mailto": "mailto", "tel": "tel", "callto": "tel", "sms": "sms", "smsto": "sms", "javascript": "script",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Base:
    """The parsed URL against which relative URLs are resolved.

    `path` has no dot segments; `folder` is its beginning, up to the last slash. Without a base, `scheme` is empty.
    """

    scheme: str = ""
    host: str = ""
    path: str = "/"
    folder: str = "/"

    @classmethod
    def of(cls, href: str | None) -> "Base":
        """Return the base for the decoded value of `<base href>`."""
        try:
            parts = urlsplit(cleaned(href or ""))
        except ValueError:
            return cls()
        if not parts.scheme or not parts.netloc:
            return cls()
        path = _joined("/", parts.path.removeprefix("/"))
        return cls(parts.scheme, parts.netloc, path, path[: path.rfind("/") + 1])

    def resolve(self, href: str) -> str:
        """Return the URL that `href` means in a document with this base."""
        url = cleaned(href)
        if not self.scheme or not url or url.startswith("#") or _SCHEME.match(url):
            return url
        if url.startswith("//"):
            return f"{self.scheme}:{url}"
        path = _PATH_END.split(url, maxsplit=1)[0]
        rest = url[len(path) :]
        if not path:
            path = self.path
        elif path.startswith("/"):
            path = _joined("/", path[1:])
        else:
            path = _joined(self.folder, path)
        return f"{self.scheme}://{self.host}{path}{rest}"


def _joined(folder: str, path: str) -> str:
    """Return the path that a relative `path` means in `folder`; only segments that `..` removes are examined."""
    if not _DOTS.search(path):
        return folder + path
    end = len(folder)
    names: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if names:
                names.pop()
            else:
                end = max(folder.rfind("/", 0, end - 1) + 1, 1)
        elif segment != ".":
            names.append(segment)
    if segments[-1] in (".", ".."):
        names.append("")
    return folder[:end] + "/".join(names)


def cleaned(href: str) -> str:
    """Return `href` as a browser reads it; control characters that it keeps are percent-encoded."""
    url = href.strip(_STRIPPED).translate(_REMOVED)
    return _CONTROL.sub(lambda match: f"%{ord(match.group()):02X}", url)


def untrackable(url: str, text: str, own_urls: tuple[str, ...] = ()) -> Reason | None:
    """Return why a click on a link to `url` with `text` cannot, or must not, be tracked; None if it can."""
    if not url:
        return "empty"
    if len(url) > LONGEST_URL:
        return "too_long"
    if (own := own_reason(url, own_urls)) is not None:
        return own
    if says_unsubscribe(text) and url[:1] != "#" and url[:7].lower() != "mailto:":
        return "unsubscribe"
    if leads_to_unsubscribing(url):
        return "unsubscribe"
    if has_merge_tag(url):
        return "merge_tag"
    return unreachable(url)


def own_reason(url: str, own_urls: tuple[str, ...]) -> Reason | None:
    """Return why a link to Penchant itself is not tracked; None if `url` has none of the prefixes `own_urls`.

    The spelling of scheme, host and port does not matter. `/c/` is a tracked link; the others are pages on which
    contacts unsubscribe or choose.
    """
    host = _HOST.match(url)
    if not own_urls or host is None:
        return None
    port_text = _PATH_END.split(url[host.end() :].partition("/")[0], maxsplit=1)[0]
    port = "" if port_text in (":", ":80", ":443") else port_text
    path = url[host.end() + len(port_text) :]
    normalized = f"//{host.group(2).lower()}{port}{path}"
    for own in own_urls:
        if normalized.startswith(f"//{own.lower().partition('//')[2]}"):
            return "tracked" if own.endswith("/c/") else "unsubscribe"
    return None


def unreachable(url: str) -> Reason | None:
    """Return why a click can never be redirected to `url`; None if it is a web URL."""
    if url.startswith("#"):
        return "fragment"
    scheme = _SCHEME.match(url)
    if scheme is None and not url.startswith("//"):
        return "no_scheme" if _WWW.match(url) else "relative"
    name = scheme.group(1).lower() if scheme else "https"
    if name not in ("http", "https"):
        return _REASON_OF_SCHEME.get(name, "scheme")
    if len(url) > LONGEST_URL:
        return "too_long"
    return None if _host(url) else "no_host"


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def location(url: str) -> str:
    """Return `url` as a `Location` header: characters that a header cannot contain are percent-encoded."""
    if url.isascii() and url.isprintable() and " " not in url:
        return url
    if (host := _HOST.match(url)) and not host.group(2).isascii():
        url = f"{host.group(1)}{_ascii_host(host.group(2))}{url[host.end() :]}"
    return quote(url, safe=string.punctuation)


def _ascii_host(host: str) -> str:
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return host  # percent-encoded like the rest; the browser decides
