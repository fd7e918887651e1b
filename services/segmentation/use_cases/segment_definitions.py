"""The segments of every account, as the catalogs have them."""

from collections.abc import Callable
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from services.segmentation.domain.definitions import Definitions
from shared.bus.catalog import Catalog
from shared.criteria import Criterion, InvalidCriterion, parse
from shared.events.envelope import CatalogEvent
from shared.events.labeling import AccountChanged
from shared.events.segmentation import SegmentChanged

log = structlog.get_logger()


class SegmentDefinitions:
    """Definitions by account; `of_account` returns the same object for as long as nothing has changed.

    `generation` goes up with every change of a segment or of an account's time zone.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.generation = 0
        self._catalog = catalog
        self._definitions: dict[int, Definitions] = {}
        self._previous: dict[int, Definitions] = {}
        self._parsed: dict[object, tuple[int, Criterion]] = {}
        self._callbacks: list[Callable[[], None]] = []
        catalog.on_change(self._changed)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls `callback` whenever `generation` has gone up."""
        self._callbacks.append(callback)

    def _changed(self, event: CatalogEvent) -> None:
        if isinstance(event, SegmentChanged) or (
            isinstance(event, AccountChanged)
            and event.account_id in self._definitions
            and event.time_zone != self._definitions[event.account_id].zone
        ):
            found = self._definitions.pop(event.account_id, None)
            if found is not None:
                self._previous[event.account_id] = found
            self.generation += 1
            for callback in self._callbacks:
                callback()

    def of_account(self, account_id: int) -> Definitions:
        """The account's segments."""
        found = self._definitions.get(account_id)
        if found is None:
            segments: dict[UUID, tuple[str, Criterion]] = {}
            unreadable: list[UUID] = []
            for event in self._catalog.all(SegmentChanged, account_id):
                criterion = self._criterion(event) if event.state == "active" else None
                if criterion is not None:
                    segments[event.segment_id] = (event.segment_name, criterion)
                elif event.state == "active":
                    unreadable.append(event.segment_id)
            previous = self._previous.pop(account_id, None)
            found = Definitions(self.zone(account_id).key, segments, unreadable, previous)
            self._definitions[account_id] = found
        return found

    def _criterion(self, event: SegmentChanged) -> Criterion | None:
        known = self._parsed.get(event.segment_id)
        if known is not None and known[0] == event.segment_version:
            return known[1]
        try:
            criterion = parse(event.criterion)
        except InvalidCriterion as invalid:
            # Written by a later version of the grammar, after a step back to this one.
            log.error("a segment's criterion cannot be read", segment_id=str(event.segment_id), faults=str(invalid))  # noqa: TRY400
            return None
        self._parsed[event.segment_id] = (event.segment_version, criterion)
        return criterion

    def name(self, segment_id: object) -> str:
        """The name of a segment, also of a deleted one."""
        event = self._catalog.find(SegmentChanged, segment_id)
        return event.segment_name if event is not None else ""

    def knows(self, account_id: int) -> bool:
        """Whether the account is in the catalog."""
        return self._catalog.find(AccountChanged, account_id) is not None

    async def refresh(self) -> None:
        """Read the catalogs to their end."""
        await self._catalog.refresh()

    def zone(self, account_id: int) -> ZoneInfo:
        """The account's time zone; UTC for an account that is not known."""
        account = self._catalog.find(AccountChanged, account_id)
        try:
            return ZoneInfo(account.time_zone if account else "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            log.error("unknown time zone", account_id=account_id)  # noqa: TRY400
            return ZoneInfo("UTC")
