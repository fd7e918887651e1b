"""Looks up an account's labels, messages, fields, segments and time zone in the catalogs."""

from datetime import UTC, date, datetime, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.workflow.domain.conditions import inlined
from services.workflow.domain.environment import BrokenCondition, MissingReference
from services.workflow.domain.merged_labels import NONE_MERGED, MergedLabels
from services.workflow.domain.runs import EffectKind
from shared.bus.catalog import Catalog
from shared.criteria import (
    AccountLookup,
    Block,
    Criterion,
    Existence,
    Fault,
    parse,
    read_blocks,
    validate,
    with_merged_labels,
)
from shared.criteria.grammar import InSegment
from shared.criteria.references import walk
from shared.events.envelope import CatalogEvent
from shared.events.labeling import AccountChanged, FieldChanged, LabelChanged
from shared.events.segmentation import SegmentChanged
from shared.events.tracking import MessageChanged

MOST_BLOCKS = 1_000  # messages whose parsed blocks are cached


class WorkflowLookup(AccountLookup):
    """Looks up the things of one account, including its segments."""

    def __init__(self, catalogs: "Catalogs", account_id: int) -> None:
        super().__init__(catalogs.catalog, account_id, self._criterion_of)
        self._catalogs = catalogs

    def segment_existence(self, segment_id: UUID) -> Existence:
        """Return whether the segment exists."""
        segment = self._own(SegmentChanged, segment_id)
        if segment is None:
            return "unknown"
        return "known" if segment.state == "active" else "deleted"

    def _criterion_of(self, segment_id: UUID) -> Criterion | None:
        segment = self._own(SegmentChanged, segment_id)
        return None if segment is None or segment.state == "deleted" else self._catalogs.criterion_of(segment)


def criterion_faults(criterion: Criterion, lookup: WorkflowLookup) -> list[Fault]:
    """Return a fault for each missing thing that a criterion names, directly or through its segments."""
    faults = list(validate(criterion, lookup))
    if not faults:
        for node in walk(criterion):
            if isinstance(node, InSegment):
                faults += [
                    Fault(f"{node.pointer}/segment/id", detail) for detail in segment_trouble(node.segment, lookup)
                ]
    return faults


def segment_trouble(segment_id: UUID, lookup: WorkflowLookup) -> list[str]:
    """Return why an existing segment cannot be used; at most one reason."""
    criterion = lookup.segment(segment_id)
    faults = [] if criterion is None else criterion_faults(criterion, lookup)
    return [f"segment {segment_id} is broken: {fault.detail}" for fault in faults[:1]]


class Catalogs:
    """The parts of the catalogs of labeling, tracking and segmentation that workflows use."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._segments: dict[UUID, tuple[int, Criterion]] = {}
        self._inlined: dict[tuple[int, int], tuple[Criterion, Criterion | str]] = {}
        self._last_labels: dict[int, tuple[Criterion, Criterion]] = {}
        self._refreshed_for: set[int] = set()
        self._merged: dict[int, MergedLabels] = {}
        self._blocks: dict[UUID, tuple[MessageChanged, tuple[Block, ...]]] = {}
        catalog.on_change(self._changed)

    def _changed(self, event: CatalogEvent) -> None:
        self._inlined.clear()
        self._last_labels.clear()
        if isinstance(event, LabelChanged) and (event.merged_into is not None or event.account_id in self._merged):
            labels = self.catalog.all(LabelChanged, event.account_id)
            merged_into = {label.label_id: label.merged_into for label in labels if label.merged_into is not None}
            self._merged[event.account_id] = MergedLabels(merged_into)
        if isinstance(event, MessageChanged):
            self._blocks.pop(event.message_id, None)

    def merged(self, account_id: int) -> MergedLabels:
        """Return the account's labels that were merged into others."""
        return self._merged.get(account_id, NONE_MERGED)

    def lookup(self, account_id: int) -> WorkflowLookup:
        """Return the look-up of an account."""
        return WorkflowLookup(self, account_id)

    def zone(self, account_id: int) -> tzinfo:
        """Return the account's time zone; UTC while the account is unknown.

        Raises BrokenCondition for a zone that this machine does not know.
        """
        account = self.catalog.find(AccountChanged, account_id)
        if account is None:
            return UTC
        try:
            return ZoneInfo(account.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BrokenCondition(f"the time zone {account.time_zone} is not known to this server") from error

    def knows(self, account_id: int) -> bool:
        """Return whether the account is known."""
        return self.catalog.find(AccountChanged, account_id) is not None

    async def refresh_for_unknown(self, accounts: set[int]) -> None:
        """Read the catalog to its current end, once for each unknown account.

        Days are in the account's time zone, which must be known before events are folded.
        """
        unknown = {account for account in accounts if not self.knows(account)} - self._refreshed_for
        if unknown:
            self._refreshed_for |= unknown
            await self.catalog.refresh()

    def today(self, account_id: int, now: datetime) -> date:
        """Return the account's day."""
        return now.astimezone(self.zone(account_id)).date()

    def criterion_of(self, segment: SegmentChanged) -> Criterion:
        """Return the parsed criterion of a segment."""
        cached = self._segments.get(segment.segment_id)
        if cached is None or cached[0] != segment.segment_version:
            cached = self._segments[segment.segment_id] = (segment.segment_version, parse(segment.criterion))
        return cached[1]

    def with_segments_inlined(self, account_id: int, criterion: Criterion) -> Criterion:
        """Return a criterion with its segments inlined. Raises BrokenCondition if it names something deleted."""
        key = (account_id, id(criterion))
        cached = self._inlined.get(key)
        # The entry keeps the criterion alive, so that its identity is not reused.
        if cached is None or cached[0] is not criterion:
            lookup = self.lookup(account_id)
            faults = [fault.detail for fault in criterion_faults(criterion, lookup)]
            result = faults[0] if faults else inlined(criterion, lookup.segment)
            cached = self._inlined[key] = (criterion, result)
        if isinstance(cached[1], str):
            raise BrokenCondition(cached[1])
        return cached[1]

    def with_last_labels(self, account_id: int, criterion: Criterion) -> Criterion:
        """Return a criterion from `with_segments_inlined` with merged labels resolved."""
        merged = self.merged(account_id)
        if not merged:
            return criterion
        cached = self._last_labels.get(id(criterion))
        if cached is None or cached[0] is not criterion:
            cached = self._last_labels[id(criterion)] = (criterion, with_merged_labels(criterion, merged.last))
        return cached[1]

    def blocks(self, account_id: int, message_id: UUID) -> tuple[int | None, tuple[Block, ...]]:
        """Return the revision of a message and its blocks; None and no blocks for an unknown message."""
        message = self.catalog.find(MessageChanged, message_id)
        if message is None or message.account_id != account_id:
            return None, ()
        cached = self._blocks.get(message_id)
        if cached is None or cached[0] is not message:
            if len(self._blocks) >= MOST_BLOCKS:
                self._blocks.clear()
            cached = self._blocks[message_id] = (message, read_blocks(message.blocks))
        return message.revision, cached[1]

    def require(self, account_id: int, kind: EffectKind, subject: UUID | str) -> None:
        """Raise MissingReference if a message, label or field was deleted; unknown things may still become known."""
        lookup = self.lookup(account_id)
        if isinstance(subject, str):
            field = self.catalog.find(FieldChanged, (account_id, subject))
            existence: Existence = "deleted" if field is not None and field.state == "deleted" else "known"
            what = "field"
        elif kind == "send":
            existence, what = lookup.message(subject), "message"
        else:
            existence, what = lookup.label(subject), "label"
        if existence in ("deleted", "merged"):
            raise MissingReference(f"{what} {subject} was {existence}")
