"""Penchant's own mails, in four languages: to confirm a subscription, and to access one's own data."""

import re
from dataclasses import dataclass
from html import escape

from services.delivery.domain.composing import Content

LANGUAGES = ("en", "nl", "fr", "de")

_TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "confirm_subscription": {
        "en": (
            "Please confirm your subscription to {name}",
            "You asked for e-mails from {name}. Confirm that it was you:\n\n{url}\n\n"
            "If it was not you, do nothing: you will not get any e-mails.",
        ),
        "nl": (
            "Bevestig je inschrijving bij {name}",
            "Je hebt e-mails van {name} aangevraagd. Bevestig dat jij het was:\n\n{url}\n\n"
            "Was jij het niet? Dan hoef je niets te doen: je krijgt geen e-mails.",
        ),
        "fr": (
            "Confirmez votre inscription à {name}",
            "Vous avez demandé les e-mails de {name}. Confirmez que c'était bien vous :\n\n{url}\n\n"
            "Si ce n'était pas vous, ne faites rien : vous ne recevrez aucun e-mail.",
        ),
        "de": (
            "Bitte bestätigen Sie Ihre Anmeldung bei {name}",
            "Sie haben E-Mails von {name} angefordert. Bestätigen Sie, dass Sie das waren:\n\n{url}\n\n"
            "Wenn nicht, brauchen Sie nichts zu tun: Sie erhalten keine E-Mails.",
        ),
    },
    "preference_access": {
        "en": (
            "Your data at {name}",
            "This link shows what {name} knows about you, and lets you have it deleted. It works for 30 minutes:\n\n"
            "{url}\n\nIf you did not ask for it, ignore this e-mail.",
        ),
        "nl": (
            "Je gegevens bij {name}",
            "Deze link toont wat {name} over je weet, en laat je het verwijderen. Hij werkt 30 minuten:\n\n{url}\n\n"
            "Heb je dit niet gevraagd? Negeer dan deze e-mail.",
        ),
        "fr": (
            "Vos données chez {name}",
            "Ce lien montre ce que {name} sait de vous et vous permet de le faire supprimer. "
            "Il est valable 30 minutes :\n\n{url}\n\nSi vous n'avez rien demandé, ignorez cet e-mail.",
        ),
        "de": (
            "Ihre Daten bei {name}",
            "Dieser Link zeigt, was {name} über Sie weiß, und Sie können es dort löschen lassen. "
            "Er gilt 30 Minuten:\n\n{url}\n\nWenn Sie das nicht angefordert haben, ignorieren Sie diese E-Mail.",
        ),
    },
}


_BUTTONS: dict[str, dict[str, str]] = {
    "confirm_subscription": {"en": "Confirm", "nl": "Bevestigen", "fr": "Confirmer", "de": "Bestätigen"},
    "preference_access": {"en": "See my data", "nl": "Mijn gegevens", "fr": "Voir mes données", "de": "Meine Daten"},
}
_COLOUR = re.compile(r"#[0-9A-Fa-f]{3,8}")
_DEFAULT_COLOUR = "#1f5f4a"


@dataclass(frozen=True, slots=True)
class Brand:
    """How an account presents itself to its contacts."""

    name: str
    logo_url: str | None = None
    colour: str | None = None
    postal_address: str | None = None


def system_content(kind: str, url: str, brand: Brand, languages: tuple[str, ...]) -> Content:
    """Return one of Penchant's own mails in the first of `languages` in which it exists, else in English.

    Raises LookupError for a kind that does not exist.
    """
    texts = _TEXTS[kind]
    language = next((one for one in languages if one[:2].lower() in texts), "en")[:2].lower()
    subject, text = texts[language]
    body = text.format(name=brand.name, url=url)
    footer = brand.name if brand.postal_address is None else f"{brand.name}, {brand.postal_address}"
    html = _html(text, url, brand, _BUTTONS[kind][language], footer)
    return Content(subject.format(name=brand.name), f"{body}\n\n-- \n{footer}", html)


def _html(text: str, url: str, brand: Brand, button: str, footer: str) -> str:
    """Return the HTML part: the link is a button in the account's colour, below its logo."""
    colour = brand.colour if brand.colour and _COLOUR.fullmatch(brand.colour) else _DEFAULT_COLOUR
    elements: list[str] = []
    if brand.logo_url and brand.logo_url.startswith("https://"):
        elements.append(f'<p><img src="{escape(brand.logo_url)}" alt="{escape(brand.name)}" height="48"></p>')
    for paragraph in text.split("\n\n"):
        if paragraph == "{url}":
            style = f"background:{colour};color:#fff;padding:12px 28px;border-radius:6px;text-decoration:none"
            elements.append(f'<p><a href="{escape(url)}" style="{style}">{escape(button)}</a></p>')
        else:
            elements.append(f"<p>{escape(paragraph.format(name=brand.name))}</p>")
    elements.append(f'<p style="font-size:12px;color:#666">{escape(footer)}</p>')
    return f'<!DOCTYPE html><html><body style="font-family:sans-serif;color:#222">{"".join(elements)}</body></html>'
