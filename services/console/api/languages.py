"""The languages of the console: texts are written in English and translated by `locale/<language>.po`."""

from collections.abc import Iterable
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LANGUAGES = {"en": "English", "nl": "Nederlands"}
DEFAULT = "en"
LOCALE = Path(__file__).parent.parent / "locale"

language: ContextVar[str] = ContextVar("language", default=DEFAULT)


@cache
def translations_of(code: str) -> NullTranslations:
    """Return the translations of a language; English texts are those in the source."""
    if code == DEFAULT:
        return NullTranslations()
    with (LOCALE / f"{code}.po").open("rb") as source:
        catalog = read_po(source, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)


def choose(preferred: str | None, accept_language: str) -> str:
    """Return the person's own language, or else the first supported one that the browser prefers."""
    for code in _preferred_codes(preferred, accept_language):
        if code in LANGUAGES:
            return code
    return DEFAULT


def _preferred_codes(preferred: str | None, accept_language: str) -> Iterable[str]:
    if preferred:
        yield preferred
    for preference in accept_language.split(","):
        yield preference.partition(";")[0].strip().partition("-")[0].lower()


def _(text: str, /, **values: object) -> str:
    """Return `text` in the language of the request, with `%(name)s` filled in."""
    translated = translations_of(language.get()).ugettext(text)
    return translated % values if values else translated


def counted(singular: str, plural: str, number: int, /, **values: object) -> str:
    """Return the text for `number`, which is also its `%(num)s`, in the language of the request."""
    return translations_of(language.get()).ungettext(singular, plural, number) % {"num": format_count(number), **values}


def format_count(number: int) -> str:
    """Return a number in the format of the language: 1,234 or 1.234."""
    separator = "." if language.get() == "nl" else ","
    return f"{number:,}".replace(",", separator)
