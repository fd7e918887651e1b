"""Decides how a row changes a contact, and what undoing it restores."""

from collections.abc import Mapping
from typing import Any

from services.labeling.domain.contacts import Contact, may_change_subscription
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import check_size
from services.labeling.domain.imports.options import Options
from services.labeling.domain.imports.rows import CellProblem, ParsedRow
from shared.events.labeling import Scalar, Subscription

_FINAL = frozenset({"unsubscribed", "bounced", "blocked"})

Members = dict[str, list[Any]]  # by member (such as `fields/city`): [value before, value after]


def values_of(row: ParsedRow, contact: Contact | None, options: Options) -> dict[str, Any]:
    """Return the row's values by member. A file never subscribes a contact that has unsubscribed."""
    values: dict[str, Any] = {}
    if row.external_id is not None:
        values["external_id"] = row.external_id
    if row.email is not None and (contact is None or contact.email_key != row.email_key):
        values["email"] = row.email
    for key, value in row.fields.items():
        values[f"fields/{key}"] = value
    if row.language is not None:
        values["language"] = row.language
    subscription = row.subscription
    if contact is None:
        values["subscription"] = subscription or options.subscription or "unconfirmed"
    elif subscription is not None and _may_change(contact, subscription):
        values["subscription"] = subscription
    return values


def _may_change(contact: Contact, requested: Subscription) -> bool:
    """Return whether a file may change the subscription: a contact that has unsubscribed stays unsubscribed."""
    weakens = contact.subscription in _FINAL and requested not in _FINAL
    return not weakens and may_change_subscription(contact, requested, "import")


def applied(contact: Contact | None, row: ParsedRow, options: Options) -> tuple[Contact, Members]:
    """Return the contact after the row, and every member that the row names with its value before and after.

    Members that keep their value are included: the import has confirmed them.
    """
    before = contact or Contact()
    values = values_of(row, contact, options)
    members = {member: [_value(before, member), value] for member, value in values.items()}
    after = _with_values(before, values)
    if "email" in values:
        after = after._replace(email_key=row.email_key)
    return after, members


def size_problem(before: Mapping[str, Scalar], after: Mapping[str, Scalar]) -> CellProblem | None:
    """Return why a contact's fields are too large after a row; None if they are not."""
    try:
        check_size(before, after)
    except InvalidError as error:
        return CellProblem(None, "too_large", error.detail)
    return None


def overwritten(contact: Contact, members: Mapping[str, list[Any]]) -> list[str]:
    """Return the members whose present values are replaced by other values."""
    return [
        member
        for member, (before, after) in members.items()
        if before is not None and before != after and member != "subscription"
    ]


def taken_back(contact: Contact, members: Members, confirmed: Mapping[str, list[Any]]) -> tuple[Contact, list[str]]:
    """Return the contact without the changes of an import, and the restored members.

    A member is kept if it was changed since, or if a later import (`confirmed`: its members) wrote the same value.
    Address and external id are kept, because they identify the contact.
    """
    values: dict[str, Any] = {}
    for member, (before, after) in members.items():
        later = confirmed.get(member)
        if before == after or member in ("email", "external_id") or _value(contact, member) != after:
            continue
        if later is not None and later[1] == after:
            continue
        if member == "subscription" and not may_change_subscription(contact, before, "undo"):
            continue
        values[member] = before
    return _with_values(contact, values), sorted(values)


def _value(contact: Contact, member: str) -> Any:  # noqa: ANN401 - depends on the member
    if member.startswith("fields/"):
        return contact.fields.get(member.removeprefix("fields/"))
    return getattr(contact, member)


def _with_values(contact: Contact, values: Mapping[str, Any]) -> Contact:
    fields = dict(contact.fields)
    plain: dict[str, Any] = {}
    for member, value in values.items():
        if not member.startswith("fields/"):
            plain[member] = value
        elif value is None:
            fields.pop(member.removeprefix("fields/"), None)
        else:
            fields[member.removeprefix("fields/")] = value
    return contact._replace(fields=fields, **plain)
