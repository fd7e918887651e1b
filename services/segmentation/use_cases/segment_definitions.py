"""The segments of all accounts, from the catalogs."""

from collections.abc import Callable, Mapping
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from services.segmentation.domain.definitions import Definitions
from shared.bus.catalog import Catalog
from shared.criteria import AccountLookup, Criterion, InvalidCriterion, MergedLabels, parse, references, validate
from shared.events.envelope import CatalogEvent
from shared.events.labeling import AccountChanged, FieldChanged, LabelChanged
from shared.events.segmentation import SegmentChanged
from shared.events.tracking import MessageChanged

log = structlog.get_logger()


class SegmentDefinitions:
    """Definitions by account; `of_account` returns the same object until something changes.

    `generation` increases with every change of a segment, of an account's time zone, or of the existence of something
    that a segment names.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.generation = 0
        self._catalog = catalog
        self._definitions: dict[int, Definitions] = {}
        self._previous: dict[int, Definitions] = {}
        self._named: dict[int, dict[str, object]] = {}
        self._parsed: dict[object, tuple[int, Criterion]] = {}
        self._callbacks: list[Callable[[], None]] = []
        catalog.on_change(self._changed)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `generation` has increased."""
        self._callbacks.append(callback)

    def _changed(self, event: CatalogEvent) -> None:
        if isinstance(event, SegmentChanged) or self._changes_account(event) or self._changes_named(event):
            definitions = self._definitions.pop(event.account_id, None)
            if definitions is not None:
                self._previous[event.account_id] = definitions
            self.generation += 1
            for callback in self._callbacks:
                callback()

    def _changes_account(self, event: CatalogEvent) -> bool:
        return (
            isinstance(event, AccountChanged)
            and event.account_id in self._definitions
            and event.time_zone != self._definitions[event.account_id].zone
        )

    def _changes_named(self, event: CatalogEvent) -> bool:
        """Return whether the existence of something that a segment names has changed."""
        if not isinstance(event, LabelChanged | FieldChanged | MessageChanged):
            return False
        if isinstance(event, LabelChanged) and self._is_newly_merged(event):
            return True
        named = self._named.get(event.account_id, {})
        return event.key in named and named[event.key] != _existence(event)

    def _is_newly_merged(self, event: LabelChanged) -> bool:
        # This label may matter to a segment that names only the label that it was merged into.
        definitions = self._definitions.get(event.account_id)
        return (
            definitions is not None and event.merged_into is not None and event.label_id not in definitions.merged.last
        )

    def _merged(self, account_id: int) -> MergedLabels:
        labels = self._catalog.all(LabelChanged, account_id)
        return MergedLabels({label.label_id: label.merged_into for label in labels if label.merged_into is not None})

    def of_account(self, account_id: int) -> Definitions:
        """Return the account's segments in the form for evaluation."""
        definitions = self._definitions.get(account_id)
        if definitions is None:
            segments: dict[UUID, tuple[str, Criterion]] = {}
            broken: dict[UUID, str] = {}
            for event in self._catalog.all(SegmentChanged, account_id):
                criterion = self._criterion(event) if event.state == "active" else None
                if criterion is not None:
                    segments[event.segment_id] = (event.segment_name, criterion)
                elif event.state == "active":
                    broken[event.segment_id] = "this version of Penchant cannot read the criterion"
            broken |= self._broken_segments(account_id, segments)
            self._remember_named(account_id, segments)
            previous = self._previous.pop(account_id, None)
            definitions = Definitions(self.zone(account_id).key, segments, broken, previous, self._merged(account_id))
            self._definitions[account_id] = definitions
        return definitions

    def _broken_segments(self, account_id: int, segments: Mapping[UUID, tuple[str, Criterion]]) -> dict[UUID, str]:
        if not self._zone_is_known(account_id):
            return dict.fromkeys(segments, "the account's time zone is not known")
        criteria = {segment_id: criterion for segment_id, (_, criterion) in segments.items()}
        lookup = AccountLookup(self._catalog, account_id, criteria.get)
        faults = {segment_id: validate(criterion, lookup, writing=False) for segment_id, criterion in criteria.items()}
        return {segment_id: segment_faults[0].detail for segment_id, segment_faults in faults.items() if segment_faults}

    def _remember_named(self, account_id: int, segments: Mapping[UUID, tuple[str, Criterion]]) -> None:
        named: dict[str, object] = {}
        for _, criterion in segments.values():
            names = references(criterion)
            messages = {*names.messages, *filter(None, map(self._catalog.message_of, names.links))}
            things: list[CatalogEvent | None] = [self._catalog.find(LabelChanged, label) for label in names.labels]
            things += [self._catalog.find(MessageChanged, message) for message in messages]
            things += [self._catalog.find(FieldChanged, (account_id, key)) for key in names.fields]
            # Unknown things have no event; their keys are derived from the criterion.
            named |= {f"label:{label}": None for label in names.labels}
            named |= {f"message:{message}": None for message in messages}
            named |= {f"field:{account_id}/{key}": None for key in names.fields}
            named |= {thing.key: _existence(thing) for thing in things if thing is not None}
        self._named[account_id] = named

    def _criterion(self, event: SegmentChanged) -> Criterion | None:
        parsed = self._parsed.get(event.segment_id)
        if parsed is not None and parsed[0] == event.segment_version:
            return parsed[1]
        try:
            criterion = parse(event.criterion)
        except InvalidCriterion as invalid:
            # Written by a later version of the grammar, before a downgrade to this one.
            log.error("a segment's criterion cannot be read", segment_id=str(event.segment_id), faults=str(invalid))  # noqa: TRY400
            return None
        self._parsed[event.segment_id] = (event.segment_version, criterion)
        return criterion

    def name(self, segment_id: object) -> str:
        """Return the name of a segment, also of a deleted one."""
        event = self._catalog.find(SegmentChanged, segment_id)
        return event.segment_name if event is not None else ""

    def knows(self, account_id: int) -> bool:
        """Return whether the account is in the catalog."""
        return self._catalog.find(AccountChanged, account_id) is not None

    async def refresh(self) -> None:
        """Read the catalogs to their end."""
        await self._catalog.refresh()

    def _zone_is_known(self, account_id: int) -> bool:
        account = self._catalog.find(AccountChanged, account_id)
        try:
            ZoneInfo(account.time_zone if account else "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            return False
        return True

    def zone(self, account_id: int) -> ZoneInfo:
        """Return the account's time zone; UTC if the account or its time zone is unknown."""
        account = self._catalog.find(AccountChanged, account_id)
        if account is None or not self._zone_is_known(account_id):
            return ZoneInfo("UTC")
        return ZoneInfo(account.time_zone)


def _existence(event: CatalogEvent) -> object:
    """Return the values of a thing on which it depends whether criteria that name it can be evaluated."""
    match event:
        case FieldChanged():
            return event.state, event.field_type
        case LabelChanged() | MessageChanged():
            return event.state
        case _:
            return None
