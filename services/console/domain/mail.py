"""Cleans a mail for display and marks its links.

Scripts, external content and forms are removed; links lead to the console. In addition, the Content-Security-Policy of
the mail's frame forbids scripts.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

MERGE_TAG = "penchant-preview"

_TRACKED = re.compile(rf"/c/{MERGE_TAG}\.(\d+)$")
_DROPPED = frozenset(
    [
        "script",
        "iframe",
        "frame",
        "frameset",
        "object",
        "embed",
        "applet",
        "base",
        "meta",
        "link",
        "form",
        "input",
        "button",
        "select",
        "textarea",
        "option",
        "dialog",
        "audio",
        "video",
        "source",
        "track",
        "noscript",
        "template",
        "portal",
        "math",
    ]
)
# Elements that are removed with their content.
_DROPPED_WITH_CONTENT = frozenset({"script", "iframe", "object", "noscript", "template", "select", "textarea"})
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_RAW = frozenset({"style"})
_PICTURES = frozenset({"src", "background"})
_NEVER = frozenset(
    {"srcset", "ping", "formaction", "action", "srcdoc", "target", "download", "id", "tabindex", "autofocus"}
)
_MARK = (
    "display:inline-block !important;position:static !important;margin:0 0 0 4px !important;padding:0 7px !important;"
    "border-radius:99px !important;font:600 12px/18px sans-serif !important;letter-spacing:0 !important;"
    "text-decoration:none !important;text-transform:none !important;vertical-align:middle !important;"
    "color:#fff !important;background:{colour} !important;width:auto !important;height:auto !important;"
    "opacity:1 !important;visibility:visible !important"
)
_COLOURS = {"labelled": "#24604a", "unlabelled": "#7a4b00", "off": "#595e59"}


@dataclass(frozen=True, slots=True)
class MarkedLink:
    """A marked link of the mail: its number, the text of the mark, and its style."""

    link_id: str
    number: int
    url: str
    mark: str
    kind: str  # labelled, unlabelled, off


def show_mail(html: str, links: Sequence[MarkedLink], page_url: Callable[[MarkedLink], str], *, pictures: bool) -> str:
    """Return the mail with marked links, which lead to `page_url`; external pictures only if wanted."""
    writer = _Writer(links, page_url, pictures=pictures)
    writer.feed(html)
    writer.close()
    return "".join(writer.written)


def cleaned(html: str, *, pictures: bool) -> str:
    """Return the mail without marks; its links lead nowhere."""
    return show_mail(html, (), lambda _link: "#", pictures=pictures)


class _Writer(HTMLParser):
    def __init__(self, links: Sequence[MarkedLink], page_url: Callable[[MarkedLink], str], *, pictures: bool) -> None:
        super().__init__(convert_charrefs=False)
        self.written: list[str] = []
        self._by_number: Mapping[int, MarkedLink] = {link.number: link for link in links}
        self._by_url: Mapping[str, MarkedLink] = {link.url: link for link in reversed(links)}
        self._page_url = page_url
        self._pictures = pictures
        self._dropping: list[str] = []
        self._open: list[MarkedLink] = []
        self._raw = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._dropping:
            if tag in _DROPPED_WITH_CONTENT:
                self._dropping.append(tag)
            return
        if tag in _DROPPED or ":" in tag:
            if tag in _DROPPED_WITH_CONTENT:
                self._dropping.append(tag)
            return
        self._raw = tag in _RAW
        if tag in ("a", "area"):
            self._start_link(tag, attrs)
        else:
            self._start(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            if tag == self._dropping[-1]:
                self._dropping.pop()
            return
        if tag in _DROPPED or ":" in tag or tag in _VOID:
            return
        self._raw = False
        if tag == "a" and self._open:
            self._write_mark(self._open.pop())
        self.written.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.written.append(_harmless_css(data) if self._raw else data.replace("<", "&lt;"))

    def handle_entityref(self, name: str) -> None:
        if not self._dropping:
            self.written.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        if not self._dropping:
            self.written.append(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        if decl.casefold().startswith("doctype"):
            self.written.append(f"<!{escape(decl)}>")

    def _start(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = [(name, value or "") for name, value in attrs if self._is_harmless(tag, name, value or "")]
        self._write_tag(tag, kept)

    def _start_link(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = [(name, value or "") for name, value in attrs if self._is_harmless(tag, name, value or "")]
        kept = [(name, value) for name, value in kept if name not in ("href", "title")]
        link = self._link_of(next((value or "" for name, value in attrs if name == "href"), ""))
        if link is not None:
            kept += [("href", self._page_url(link)), ("target", "_top"), ("data-penchant-link", str(link.number))]
            if tag == "a":
                self._open.append(link)
        self._write_tag(tag, kept)

    def _link_of(self, href: str) -> MarkedLink | None:
        tracked = _TRACKED.search(href)
        if tracked is not None:
            return self._by_number.get(int(tracked[1]))
        return self._by_url.get(href.strip())

    def _write_tag(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        written = "".join(f' {name}="{escape(value)}"' for name, value in attributes)
        self.written.append(f"<{tag}{written}>")

    def _write_mark(self, link: MarkedLink) -> None:
        style = _MARK.format(colour=_COLOURS[link.kind])
        self.written.append(f'<span style="{style}">{escape(link.mark)}</span>')

    def _is_harmless(self, tag: str, name: str, value: str) -> bool:
        if name.startswith("on") or name in _NEVER or ":" in name or not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            return False
        if name in _PICTURES:
            plain = value.strip().casefold()
            return plain.startswith("data:image/") or (self._pictures and plain.startswith(("https:", "http:")))
        return not (tag != "a" and name in ("href", "xlink:href"))


def _harmless_css(css: str) -> str:
    """Return the style sheet without rules that load external content."""
    return re.sub(r"@import[^;]*;?", "", css, flags=re.IGNORECASE)


def source_of(html: str, addresses: Mapping[str, str]) -> str:
    """Return the source of the mail, with the links' own URLs, by number, in place of tracked ones."""
    tracked = re.compile(rf"[^\s\"'<>=]*/c/{MERGE_TAG}\.(\d+)")
    return tracked.sub(lambda found: escape(addresses.get(found[1], found[0])), html)
