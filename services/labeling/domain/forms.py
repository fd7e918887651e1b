"""Forms with which contacts subscribe: the fields that they ask for, and the labels that they offer."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import Field, field_value
from services.labeling.domain.labels import Label
from services.labeling.domain.text import tidy
from shared.events.labeling import Scalar

CONFIRM_WITHIN = timedelta(days=7)
LONGEST_TEXT = 2_000


class FormDefinition(NamedTuple):
    """What a form asks for (`fields`, by key) and offers (`labels`). `text` is shown above the form."""

    name: str
    fields: tuple[str, ...] = ()
    labels: tuple[UUID, ...] = ()
    text: str | None = None
    double_opt_in: bool = True


class Form(NamedTuple):
    """A form. `version` increases with every change."""

    id: UUID
    account_id: int
    definition: FormDefinition
    version: int
    created_at: datetime
    changed_at: datetime


class Submission(NamedTuple):
    """A submitted form. It takes effect when the contact confirms."""

    id: UUID
    account_id: int
    contact_id: int
    form_id: UUID
    label_ids: tuple[UUID, ...]
    fields: Mapping[str, Scalar]
    wording: str
    language: str
    created_at: datetime
    confirmed_at: datetime | None


def checked(definition: FormDefinition, fields: Collection[str], labels: Mapping[UUID, Label]) -> FormDefinition:
    """Return a definition whose fields exist and whose labels are public. Raises InvalidError with a pointer."""
    name = tidy(definition.name)
    if not 1 <= len(name) <= 100:
        raise InvalidError("a form's name must have 1 to 100 visible characters", "/name")
    if definition.text is not None and len(definition.text) > LONGEST_TEXT:
        raise InvalidError(f"must have at most {LONGEST_TEXT} characters", "/text")
    for index, key in enumerate(definition.fields):
        if key not in fields:
            raise InvalidError("the account has no such field", f"/fields/{index}")
        if key in definition.fields[:index]:
            raise InvalidError("occurs twice", f"/fields/{index}")
    for index, label_id in enumerate(definition.labels):
        label = labels.get(label_id)
        if label is None or label.state == "deleted":
            raise InvalidError("the account has no such label", f"/labels/{index}")
        if label.visibility != "public":
            raise InvalidError("the label is private; contacts can choose only public labels", f"/labels/{index}")
        if label_id in definition.labels[:index]:
            raise InvalidError("occurs twice", f"/labels/{index}")
    return definition._replace(name=name)


def answers(fields: Sequence[Field], texts: Mapping[str, str]) -> tuple[dict[str, Scalar], dict[str, str]]:
    """Return the values of a submitted form, and the problems with them, both by field key.

    `texts` are the submitted texts, by field key; empty ones are skipped.
    """
    values: dict[str, Scalar] = {}
    problems: dict[str, str] = {}
    for field in fields:
        text = texts.get(field.key, "").strip()
        if not text:
            continue
        try:
            values[field.key] = field_value(field, _typed(field, text))
        except (InvalidError, ValueError) as error:
            problems[field.key] = str(error)
    return values, problems


def _typed(field: Field, text: str) -> Scalar:
    if field.type == "number":
        return float(text) if any(character in text for character in ".eE") else int(text)
    if field.type == "boolean":
        return text == "yes"
    return text
