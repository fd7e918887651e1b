"""Templates: autoescaped, in the language of the request."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from jinja2_fragments import render_block

from services.console.api import formats, sentences
from services.console.api.languages import LANGUAGES, counted, language, translations_of
from services.console.api.menu import ROLE_NAMES, extra_pages

SERVICE = Path(__file__).parent.parent
STATIC = SERVICE / "static"


@cache
def asset(name: str) -> str:
    """Return the URL of a static file; it changes with the content, so that browsers may cache it without limit."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{digest}/{name}"


@cache
def environment() -> Environment:
    """Return the Jinja environment."""
    jinja = Environment(
        loader=FileSystemLoader(SERVICE / "templates"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    jinja.install_gettext_callables(  # type: ignore[attr-defined] # added by the extension
        lambda text: translations_of(language.get()).ugettext(text),
        lambda singular, plural, number: translations_of(language.get()).ungettext(singular, plural, number),
        newstyle=True,
    )
    jinja.globals.update(
        asset=asset,
        counted=counted,
        languages=LANGUAGES,
        lang=language.get,
        extra_pages=extra_pages,
        role_names=ROLE_NAMES,
        subscription=sentences.subscription,
        consent=sentences.consent,
        state_name=sentences.state,
        thing_name=sentences.thing_name,
        job_name=sentences.job_name,
        click_reason=sentences.click_reason,
        recipient_status=sentences.recipient_status,
        skipped_because=sentences.skipped_because,
    )
    jinja.filters.update(
        when=formats.when,
        exactly=formats.exactly,
        day=formats.day,
        clock=formats.clock,
        count=formats.count,
        percent=formats.percent,
    )
    return jinja


def render(template: str, values: dict[str, Any], block: str | None = None) -> str:
    """Return a template, or one block of it, filled in."""
    if block is not None:
        return render_block(environment(), template, block, values)
    return environment().get_template(template).render(values)
