"""Every text is translated, and every translation is used."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from services.console.api import languages

SERVICE = Path(languages.__file__).parent.parent
KEYWORDS: Any = {"_": None, "gettext": None, "ngettext": (1, 2), "counted": (1, 2)}
PLACEHOLDER = re.compile(r"%\(\w+\)s")

Id = str | tuple[str, ...]


def texts_in_source() -> set[Id]:
    """Return every text in the source that is to be translated."""
    return {_id(text) for method, path in _sources() for text in _texts(method, path)}


def _sources() -> Iterator[tuple[str, Path]]:
    yield from (("python", path) for path in SERVICE.rglob("*.py"))
    yield from (("jinja2.ext:babel_extract", path) for path in SERVICE.rglob("*.html"))


def _texts(method: str, path: Path) -> Iterator[Any]:
    options = {"extensions": "jinja2.ext.do", "silent": "false"}
    for _, text, _, _ in extract_from_file(method, path, keywords=KEYWORDS, options=options):
        yield text


def _id(text: Any) -> Id:
    return text if isinstance(text, str) else tuple(text[:2])


def translations_of(code: str) -> dict[Id, Message]:
    with (languages.LOCALE / f"{code}.po").open("rb") as source:
        return {_id(message.id): message for message in read_po(source, locale=code) if message.id}


@pytest.fixture(scope="module")
def source() -> set[Id]:
    return texts_in_source()


@pytest.mark.parametrize("code", [code for code in languages.LANGUAGES if code != languages.DEFAULT])
def test_every_text_is_translated_and_every_translation_is_used(code: str, source: set[Id]) -> None:
    known = {text for text, message in translations_of(code).items() if message.string and all(message.string)}
    assert source - known == set()
    assert known - source == set()
    assert not [text for text, message in translations_of(code).items() if message.fuzzy]


@pytest.mark.parametrize("code", [code for code in languages.LANGUAGES if code != languages.DEFAULT])
def test_translations_have_the_same_placeholders(code: str) -> None:
    for text, message in translations_of(code).items():
        expected = set(PLACEHOLDER.findall(text if isinstance(text, str) else text[1]))
        strings = [message.string] if isinstance(message.string, str) else list(message.string or ())[1:]
        for string in strings:
            assert set(PLACEHOLDER.findall(string)) == expected, text


def test_the_choice_of_the_person_takes_precedence_over_the_browser() -> None:
    assert languages.choose("nl", "en-GB,en") == "nl"
    assert languages.choose(None, "fr-BE, nl-BE;q=0.8, en;q=0.5") == "nl"
    assert languages.choose(None, "") == "en"


def test_counts_are_formatted_for_the_language() -> None:
    token = languages.language.set("nl")
    try:
        assert languages.counted("%(num)s contact", "%(num)s contacts", 1234) == "1.234 contacten"
        assert languages.counted("%(num)s contact", "%(num)s contacts", 1) == "1 contact"
    finally:
        languages.language.reset(token)
