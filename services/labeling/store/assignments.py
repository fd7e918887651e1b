"""The assignments that a unit of work touches: loaded in one query, folded by the domain, written in three."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from pydantic import TypeAdapter
from uuid_utils.compat import uuid7

from services.labeling.domain.assignments import (
    NO_SUPPORTS,
    NOTHING,
    AssertLabel,
    Assignment,
    Command,
    Outcome,
    RemoveLabel,
    Support,
    clicked,
    decide,
    evolve,
)
from services.labeling.store import QUERIES
from services.labeling.store.labels import Label
from shared.bus.received import Received
from shared.events.codec import body_of
from shared.events.labeling import LabelAssigned, LabelRemoved
from shared.events.parts import Origin
from shared.events.tracking import ContactClicked
from shared.store.unit_of_work import UnitOfWork

Pair = tuple[int, int]  # label_no, contact_id; a label is one account's

_SUPPORTS = TypeAdapter(dict[str, Support])
_ROW = (
    "label_no",
    "contact_id",
    "since",
    "click_supports",
    "supports",
    "clicks",
    "first_click",
    "last_click",
    "withdrawn_by_self",
)
_HISTORY = (
    "contact_id",
    "label_no",
    "occurred_at",
    "outcome",
    "reason",
    "cause",
    "event_id",
    "click_id",
    "message_id",
    "link_id",
    "origin",
)


class Ledger:
    """Decides on assignments within one unit of work; every decision is an entry of the history.

    The pairs must be named when it is opened, under the lock of their partition number: nobody else writes them.
    """

    def __init__(self, work: UnitOfWork, stored: dict[Pair, Assignment]) -> None:
        self._work = work
        self._stored = stored
        self._states = dict(stored)
        self._touched: set[Pair] = set()
        self._history: list[tuple[object, ...]] = []

    @classmethod
    async def open(cls, work: UnitOfWork, pairs: Collection[Pair]) -> Self:
        """Loads what is known of `pairs`."""
        stored: dict[Pair, Assignment] = {}
        if pairs:
            rows = await work.connection.fetch(QUERIES["assignments_of_pairs"], *zip(*pairs, strict=True))
            for label_no, contact_id, since, click_supports, supports, *interest in rows:
                stored[label_no, contact_id] = Assignment(
                    since is not None, since, click_supports, decode_supports(supports), *interest
                )
        return cls(work, stored)

    def click(self, event: ContactClicked, label: Label, received: Received) -> None:
        """A human click on a link that carries `label`."""
        pair = (label.no, event.contact_id)
        at = event.occurred_at
        self._states[pair], outcome = clicked(self._states.get(pair, NOTHING), at)
        self._touched.add(pair)
        event_id = None
        if outcome == "assigned":
            event_id = uuid7()
            # Written as JSON directly, which takes a third of the time; a test holds it against the model.
            body = orjson.dumps(
                {
                    "event_id": event_id,
                    "occurred_at": at,
                    "account_id": event.account_id,
                    "contact_id": event.contact_id,
                    "label_id": label.id,
                    "label_name": label.name,
                    "origin": {
                        "kind": "click",
                        "click_id": event.click_id,
                        "message_id": event.message_id,
                        "link_id": event.link_id,
                    },
                },
                option=orjson.OPT_UTC_Z,
            )
            self._work.append_written(LabelAssigned, body, event_id, event.account_id, event.contact_id, at, received)
        self._history.append(
            (
                event.contact_id,
                label.no,
                at,
                outcome,
                None,
                event.event_id,
                event_id,
                event.click_id,
                event.message_id,
                event.link_id,
                None,
            )
        )

    def apply(self, contact_id: int, label: Label, command: Command, cause: Received | None = None) -> Outcome | None:
        """Decides `command`; None where nothing happened."""
        pair = (label.no, contact_id)
        state = self._states.get(pair, NOTHING)
        outcome = decide(state, command)
        if outcome is None:
            return None
        self._states[pair] = evolve(state, command, outcome)
        self._touched.add(pair)
        event_id = None
        if outcome in ("assigned", "removed"):
            model = LabelAssigned if outcome == "assigned" else LabelRemoved
            event = model(
                occurred_at=command.at,
                account_id=label.account_id,
                contact_id=contact_id,
                label_id=label.id,
                label_name=label.name,
                origin=command.origin,
            )
            event_id = event.event_id
            self._work.append(event, cause=cause)
        reason = "removed_by_the_contact" if outcome == "refused" else None
        self._remember(contact_id, label, command, outcome, reason, cause, event_id)
        return outcome

    def refuse(
        self,
        contact_id: int,
        label: Label,
        command: AssertLabel | RemoveLabel,
        reason: str,
        cause: Received | None = None,
    ) -> None:
        """An attempt that comes to nothing whatever the state is; the history shows it with `reason`."""
        self._remember(contact_id, label, command, "refused", reason, cause, None)

    def _remember(
        self,
        contact_id: int,
        label: Label,
        command: Command,
        outcome: Outcome,
        reason: str | None,
        cause: Received | None,
        event_id: UUID | None,
    ) -> None:
        self._history.append(
            (
                contact_id,
                label.no,
                command.at,
                outcome,
                reason,
                cause and cause.event.event_id,
                event_id,
                None,
                None,
                None,
                encode_origin(command.origin),
            )
        )

    async def write(self) -> None:
        """Writes what changed; called once, at the end."""
        connection = self._work.connection
        new: list[tuple[object, ...]] = []
        confirmed: list[tuple[object, ...]] = []
        changed: list[tuple[object, ...]] = []
        for pair in self._touched:
            after, before = self._states[pair], self._stored.get(pair)
            if before is None:
                new.append(_row(pair, after))
            elif _only_clicked(before, after):
                confirmed.append((*pair, after.clicks - before.clicks, after.last_click))
            elif after != before:
                changed.append(_row(pair, after))
        if new:
            await connection.copy_records_to_table("assignments", records=new, columns=_ROW)
        if confirmed:
            await connection.execute(QUERIES["confirm_assignments"], *zip(*confirmed, strict=True))
        if changed:
            await connection.execute(QUERIES["update_assignments"], *zip(*changed, strict=True))
        if self._history:
            await connection.copy_records_to_table("assignment_history", records=self._history, columns=_HISTORY)


def _row(pair: Pair, state: Assignment) -> tuple[object, ...]:
    _, since, click_supports, supports, clicks, first_click, last_click, withdrawn = state
    stored = encode_supports(supports) if supports else None
    return (*pair, since, click_supports, stored, clicks, first_click, last_click, withdrawn)


def _only_clicked(before: Assignment, after: Assignment) -> bool:
    """Whether nothing but clicks came to a label that was held, each of them one more support."""
    return (
        before.since is not None
        and before.since is after.since
        and before.first_click is after.first_click
        and before.supports is after.supports
        and after.clicks > before.clicks
        and after.click_supports - before.click_supports == after.clicks - before.clicks
    )


def removed_event(contact_id: int, label: Label, command: Command) -> LabelRemoved:
    """What tells that the contact no longer holds the label."""
    return LabelRemoved(
        occurred_at=command.at,
        account_id=label.account_id,
        contact_id=contact_id,
        label_id=label.id,
        label_name=label.name,
        origin=command.origin,
    )


async def keep_history(
    connection: PoolConnectionProxy, removals: Sequence[tuple[int, Label, RemoveLabel, UUID]]
) -> None:
    """Adds removals (contact_id, label, what removed it, the event that tells it) that no ledger decided on."""
    rows = [
        (
            contact_id,
            label.no,
            command.at,
            "removed",
            None,
            None,
            event_id,
            None,
            None,
            None,
            encode_origin(command.origin),
        )
        for contact_id, label, command, event_id in removals
    ]
    await connection.copy_records_to_table("assignment_history", records=rows, columns=_HISTORY)


def encode_supports(supports: Mapping[str, Support]) -> str:
    """Supports as JSON, for the column of that name."""
    return _SUPPORTS.dump_json(dict(supports)).decode()


def decode_supports(stored: str | None) -> Mapping[str, Support]:
    """What `encode_supports` wrote."""
    return NO_SUPPORTS if stored is None else _SUPPORTS.validate_json(stored)


def encode_origin(origin: Origin) -> str:
    """An origin as JSON, without what it does not have."""
    return body_of(origin).decode()


def decode_origin(row: Record) -> dict[str, Any]:
    """The origin of a row of the history."""
    if row["origin"] is not None:
        origin: dict[str, Any] = orjson.loads(row["origin"])
        return origin
    return {
        "kind": "click",
        "click_id": str(row["click_id"]),
        "message_id": str(row["message_id"]),
        "link_id": str(row["link_id"]),
    }
