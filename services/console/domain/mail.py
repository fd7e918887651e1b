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
_DROPPED_TAGS = frozenset(
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
_VOID_TAGS = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_RAW_TEXT_TAGS = frozenset({"style"})
_PICTURE_ATTRIBUTES = frozenset({"src", "background"})
_DROPPED_ATTRIBUTES = frozenset(
    {"srcset", "ping", "formaction", "action", "srcdoc", "target", "download", "id", "tabindex", "autofocus"}
)
_MARK_STYLE = (
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
    """Return the mail with marked links, which lead to `page_url`; external pictures only if `pictures`."""
    writer = _Writer(links, page_url, pictures=pictures)
    writer.feed(html)
    writer.close()
    return "".join(writer.output)


def cleaned(html: str, *, pictures: bool) -> str:
    """Return the mail without marks; its links lead nowhere."""
    return show_mail(html, (), lambda _link: "#", pictures=pictures)


class _Writer(HTMLParser):
    def __init__(self, links: Sequence[MarkedLink], page_url: Callable[[MarkedLink], str], *, pictures: bool) -> None:
        super().__init__(convert_charrefs=False)
        self.output: list[str] = []
        self._by_number: Mapping[int, MarkedLink] = {link.number: link for link in links}
        self._by_url: Mapping[str, MarkedLink] = {link.url: link for link in reversed(links)}
        self._page_url = page_url
        self._pictures = pictures
        self._open_dropped: list[str] = []
        self._open_links: list[MarkedLink] = []
        self._in_raw_text = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._open_dropped:
            if tag in _DROPPED_WITH_CONTENT:
                self._open_dropped.append(tag)
            return
        if tag in _DROPPED_TAGS or ":" in tag:
            if tag in _DROPPED_WITH_CONTENT:
                self._open_dropped.append(tag)
            return
        self._in_raw_text = tag in _RAW_TEXT_TAGS
        if tag in ("a", "area"):
            self._write_link_start(tag, attrs)
        else:
            self._write_start_tag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID_TAGS:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open_dropped:
            if tag == self._open_dropped[-1]:
                self._open_dropped.pop()
            return
        if tag in _DROPPED_TAGS or ":" in tag or tag in _VOID_TAGS:
            return
        self._in_raw_text = False
        if tag == "a" and self._open_links:
            self._write_mark(self._open_links.pop())
        self.output.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._open_dropped:
            self.output.append(_without_imports(data) if self._in_raw_text else data.replace("<", "&lt;"))

    def handle_entityref(self, name: str) -> None:
        if not self._open_dropped:
            self.output.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        if not self._open_dropped:
            self.output.append(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        if decl.casefold().startswith("doctype"):
            self.output.append(f"<!{escape(decl)}>")

    def _write_start_tag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = [(name, value or "") for name, value in attrs if self._is_harmless(tag, name, value or "")]
        self._write_tag(tag, kept)

    def _write_link_start(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = [(name, value or "") for name, value in attrs if self._is_harmless(tag, name, value or "")]
        kept = [(name, value) for name, value in kept if name not in ("href", "title")]
        link = self._link_of(next((value or "" for name, value in attrs if name == "href"), ""))
        if link is not None:
            kept += [("href", self._page_url(link)), ("target", "_top"), ("data-penchant-link", str(link.number))]
            if tag == "a":
                self._open_links.append(link)
        self._write_tag(tag, kept)

    def _link_of(self, href: str) -> MarkedLink | None:
        tracked = _TRACKED.search(href)
        if tracked is not None:
            return self._by_number.get(int(tracked[1]))
        return self._by_url.get(href.strip())

    def _write_tag(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        text = "".join(f' {name}="{escape(value)}"' for name, value in attributes)
        self.output.append(f"<{tag}{text}>")

    def _write_mark(self, link: MarkedLink) -> None:
        style = _MARK_STYLE.format(colour=_COLOURS[link.kind])
        self.output.append(f'<span style="{style}">{escape(link.mark)}</span>')

    def _is_harmless(self, tag: str, name: str, value: str) -> bool:
        if (
            name.startswith("on")
            or name in _DROPPED_ATTRIBUTES
            or ":" in name
            or not re.fullmatch(r"[a-z][a-z0-9_-]*", name)
        ):
            return False
        if name in _PICTURE_ATTRIBUTES:
            url = value.strip().casefold()
            return url.startswith("data:image/") or (self._pictures and url.startswith(("https:", "http:")))
        return not (tag != "a" and name in ("href", "xlink:href"))


def _without_imports(css: str) -> str:
    """Return the style sheet without rules that load external content."""
    return re.sub(r"@import[^;]*;?", "", css, flags=re.IGNORECASE)


def source_of(html: str, urls: Mapping[str, str]) -> str:
    """Return the HTML with each tracked link replaced by the link's own URL, which `urls` has by the link's number."""
    tracked = re.compile(rf"[^\s\"'<>=]*/c/{MERGE_TAG}\.(\d+)")
    return tracked.sub(lambda match: escape(urls.get(match[1], match[0])), html)
