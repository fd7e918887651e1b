"""Accounts, their settings, and their API keys."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.labels import LANGUAGES
from services.labeling.domain.text import tidy
from shared.events.labeling import Scope

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
UTM_PLACEHOLDERS = ("{send_id}", "{send_kind}", "{message_name}")
_LOGO = re.compile(r"https://[^\s\"'<>\\]{1,500}")


class Brand(NamedTuple):
    """How an account presents itself to its contacts."""

    name: str
    logo_url: str | None = None
    colour: str | None = None
    postal_address: str | None = None


class Utm(NamedTuple):
    """The parameters that are appended to the targets of tracked links. `campaign` may have `UTM_PLACEHOLDERS`."""

    source: str
    medium: str | None = "email"
    campaign: str | None = "{send_id}"


class Settings(NamedTuple):
    """Settings of an account; the operator sets `sender_domains`, `click_domain` and `limits`."""

    brand: Brand | None = None
    languages: tuple[str, ...] = ()
    track_unknown_consent: bool = True
    sender_domains: tuple[str, ...] = ()
    click_domain: str | None = None
    limits: Mapping[str, int] = {}
    utm: Utm | None = None


class Account(NamedTuple):
    """An account. `time_zone` is an IANA name; deleting an account revokes its keys and erases its contacts."""

    account_id: int
    name: str
    time_zone: str
    state: str
    settings: Settings
    created_at: datetime


class ApiKey(NamedTuple):
    """An API key as stored: only the hash of its text is known. `account_id` is None for a pipeline's key."""

    id: UUID
    account_id: int | None
    name: str
    scopes: tuple[Scope, ...]
    hash: str
    created_at: datetime
    revoked_at: datetime | None


def account_name(text: str) -> str:
    """Return `text` as the name of an account or a key. Raises InvalidError."""
    name = tidy(text)
    if not 1 <= len(name) <= 100 or not name.replace("\u200d", "").replace("\u200c", "").isprintable():
        raise InvalidError("a name must have 1 to 100 visible characters", "/name")
    return name


def brand(value: Mapping[str, Any]) -> Brand:
    """Return `value` as a brand. Raises InvalidError with a pointer."""
    parsed = Brand(**value)
    name = tidy(parsed.name)
    if not 1 <= len(name) <= 100:
        raise InvalidError("a brand's name must have 1 to 100 visible characters", "/brand/name")
    if parsed.logo_url is not None and not _LOGO.fullmatch(parsed.logo_url):
        raise InvalidError("is not an https URL of up to 500 characters", "/brand/logo_url")
    if parsed.colour is not None and not _COLOUR.fullmatch(parsed.colour):
        raise InvalidError("is not a colour such as #0a7f5a", "/brand/colour")
    return parsed._replace(name=name)


def utm(value: Mapping[str, Any]) -> Utm:
    """Return `value` as UTM parameters. Raises InvalidError with a pointer."""
    parameters = Utm(**value)
    for member, text in parameters._asdict().items():
        if text is None and member != "source":
            continue
        if not text or text != tidy(text) or len(text) > 100 or not text.isprintable():
            detail = "a value must have 1 to 100 visible characters, without leading or trailing spaces"
            raise InvalidError(detail, f"/utm/{member}")
        rest = text
        for placeholder in UTM_PLACEHOLDERS if member == "campaign" else ():
            rest = rest.replace(placeholder, "")
        if "{" in rest or "}" in rest:
            detail = f"utm_campaign may contain {', '.join(UTM_PLACEHOLDERS)}; other braces are not allowed"
            raise InvalidError(detail, f"/utm/{member}")
    return parameters


def languages(values: list[str]) -> tuple[str, ...]:
    """Return `values` as the languages of an account. Raises InvalidError with a pointer."""
    for index, value in enumerate(values):
        if value not in LANGUAGES:
            raise InvalidError(f"must be one of: {', '.join(LANGUAGES)}", f"/languages/{index}")
        if value in values[:index]:
            raise InvalidError("occurs twice", f"/languages/{index}")
    return tuple(values)


def domain(text: str, pointer: str) -> str:
    """Return `text` as a domain name in lower case. Raises InvalidError with `pointer`."""
    if not _DOMAIN.fullmatch(text.lower()):
        raise InvalidError("is not a domain name such as example.com", pointer)
    return text.lower()


def patched(account: Account, patch: Mapping[str, Any]) -> Account:
    """Return the account after a merge patch: null restores a default. Raises InvalidError with a pointer."""
    after = account
    for member, value in patch.items():
        if member == "name":
            after = after._replace(name=account_name(value or ""))
        elif member == "time_zone":
            after = after._replace(time_zone=value or "UTC")
        else:
            after = after._replace(settings=_patched_settings(after.settings, member, value))
    return after


def _patched_settings(settings: Settings, member: str, value: Any) -> Settings:  # noqa: ANN401 - depends on the member
    if value is None:
        return settings._replace(**{member: Settings._field_defaults[member]})
    if member == "brand":
        return settings._replace(brand=brand(value))
    if member == "utm":
        return settings._replace(utm=utm(value))
    if member == "languages":
        return settings._replace(languages=languages(value))
    if member == "sender_domains":
        domains = tuple(domain(text, f"/sender_domains/{index}") for index, text in enumerate(value))
        return settings._replace(sender_domains=domains)
    if member == "click_domain":
        return settings._replace(click_domain=domain(value, "/click_domain"))
    return settings._replace(**{member: value})
