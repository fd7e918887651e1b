"""Freezes slices' parts of launched campaigns, and requests the messages of campaigns that are sending."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from uuid import UUID

import structlog
from pyroaring import BitMap

from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.audience import decide_for_many, denied, select, skipped_of
from services.segmentation.domain.campaigns import Campaign, Frozen, SliceProgress
from services.segmentation.domain.evaluator import Evaluator
from services.segmentation.domain.portable import PortableCriterion
from services.segmentation.store import campaigns as store
from shared.bus.catalog import Catalog
from shared.criteria import AccountLookup, parse, validate
from shared.events.envelope import CatalogEvent
from shared.events.messages import CampaignMessageRequested, Cause
from shared.events.parts import Send
from shared.events.segmentation import CampaignChanged
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding

log = structlog.get_logger()

EXPIRED = "expired"


class CampaignSlices:
    """The work of campaigns on the slices of this process.

    `due` returns whether a partition number has something to freeze or to drain; `advance` does a part of this within
    a unit of work that holds the partition's lock. All state is in the database: pausing and cancelling take every
    partition's lock, so after their answer no more messages are requested.
    """

    def __init__(self, catalog: Catalog, partitions: int) -> None:
        self._catalog = catalog
        self._partitions = partitions
        self._active: dict[UUID, str] = {}
        self._settled: set[tuple[UUID, str, int]] = set()  # campaign, state and partition number without work left
        self._seen: set[tuple[UUID, int]] = set()  # campaign and partition number that waited for one more tick
        self._callbacks: list[Callable[[], None]] = []
        for campaign in catalog.all(CampaignChanged):
            self._changed(campaign)
        catalog.on_change(self._changed)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` when there may be new work."""
        self._callbacks.append(callback)

    def _changed(self, event: CatalogEvent) -> None:
        if not isinstance(event, CampaignChanged):
            return
        self._settled = {key for key in self._settled if key[0] != event.campaign_id}
        if event.state in ("launching", "sending"):
            self._active[event.campaign_id] = event.state
            for callback in self._callbacks:
                callback()
        else:
            self._active.pop(event.campaign_id, None)
            self._seen = {key for key in self._seen if key[0] != event.campaign_id}

    def dropped(self, partition: int) -> None:
        """Drop the state of a partition number, which another process may own now."""
        self._settled = {key for key in self._settled if key[2] != partition}
        self._seen = {key for key in self._seen if key[1] != partition}

    def due(self, partition: int) -> bool:
        """Return whether a campaign may have something to do in the partition number."""
        return any((campaign_id, state, partition) not in self._settled for campaign_id, state in self._active.items())

    async def advance(
        self, work: UnitOfWork, partition: int, slices: Mapping[int, AccountSlice], limit: int, now: datetime
    ) -> int:
        """Freeze launched campaigns, then request or skip at most `limit` members.

        Return the number of appended events.
        """
        if not self.due(partition):
            return 0
        active = dict(self._active)
        unfinished: set[UUID] = set()
        for campaign in await store.slices_to_freeze(work.connection, partition):
            if (campaign.campaign_id, partition) not in self._seen:
                # This tick may have been due before the launch. By the next one, all records that were on the topics
                # when this process saw the launch have been consumed.
                self._seen.add((campaign.campaign_id, partition))
                unfinished.add(campaign.campaign_id)
                continue
            await self._freeze(work, partition, campaign, self._slice(slices, campaign.account_id, partition), now)
        handled = requested = 0
        for campaign, progress in await store.slices_to_drain(work.connection, partition):
            account = self._slice(slices, campaign.account_id, partition)
            if handled < limit:
                count, events, is_drained = await self._drain(work, campaign, progress, account, limit - handled, now)
                handled += count
                requested += events
                if is_drained:
                    continue
            unfinished.add(campaign.campaign_id)
        # Only after the commit, because work that is rolled back must be done again.
        settled = {
            (campaign_id, state, partition) for campaign_id, state in active.items() if campaign_id not in unfinished
        }
        work.after_commit(lambda: self._settled.update(settled))
        return requested

    def _slice(self, slices: Mapping[int, AccountSlice], account_id: int, partition: int) -> AccountSlice:
        account = slices.get(account_id)
        if account is not None:
            return account
        # The account has no contacts here; its part is empty.
        first_contact = (partition - account_id) % self._partitions
        return AccountSlice(account_id, UTC, "UTC", date(1970, 1, 1), self._partitions, first_contact)

    async def _freeze(
        self, work: UnitOfWork, partition: int, campaign: Campaign, account: AccountSlice, now: datetime
    ) -> None:
        assert campaign.launch is not None
        audience = campaign.launch.audience
        fault = self._first_fault(campaign.account_id, [*audience.include, *audience.exclude])
        if fault is not None:
            await store.write_failed(work.connection, campaign.campaign_id, partition, fault)
            return
        evaluator = Evaluator(account.image)
        inlined = audience.inlined
        selection = select(evaluator, inlined)
        blocks = [block.inlined for block in campaign.launch.blocks]
        content = decide_for_many(evaluator, blocks, selection.audience)
        frozen = Frozen(
            selection.audience,
            selection.held_out,
            selection.suppressed,
            content,
            denied(account.image) & selection.audience,
            [evaluator.members(criterion) for criterion in (*inlined.include, *inlined.exclude)],
        )
        await store.write_frozen(work.connection, campaign.campaign_id, partition, frozen, account.day, now)
        log.debug("audience frozen", campaign_id=str(campaign.campaign_id), partition=partition)

    def _first_fault(self, account_id: int, criteria: list[PortableCriterion]) -> str | None:
        """Return the first fault of the criteria and of the segments in them; None if all can be evaluated."""
        for portable in criteria:
            segments = {segment_id: parse(written) for segment_id, written in portable.segments.items()}
            lookup = AccountLookup(self._catalog, account_id, segments.get)
            for criterion in (parse(portable.criterion), *segments.values()):
                faults = validate(criterion, lookup, writing=False)
                if faults:
                    return faults[0].detail
        return None

    async def _drain(
        self,
        work: UnitOfWork,
        campaign: Campaign,
        progress: SliceProgress,
        account: AccountSlice,
        limit: int,
        now: datetime,
    ) -> tuple[int, int, bool]:
        assert progress.frozen is not None
        expired = campaign.expires_at is not None and campaign.expires_at <= now
        audience = progress.frozen.audience
        contacts = audience if expired else progress.frozen.members_from(progress.next_index, limit)
        if expired and progress.next_index > 0:
            contacts = audience - BitMap(audience[: audience.rank(progress.next_index - 1)])
        reasons = {EXPIRED: contacts} if expired else skipped_of(account.image, contacts, progress.frozen.denied)
        eligible = contacts - BitMap.union(*reasons.values()) if reasons else contacts
        async for request in yielding(self._requests(campaign, progress.frozen, account, eligible, now)):
            work.append(request)
        skipped = dict(progress.skipped)
        for reason, skipped_now in reasons.items():
            skipped[reason] = skipped.get(reason, BitMap()) | skipped_now
        next_index = contacts[-1] + 1 if contacts else progress.next_index
        is_drained = not audience or next_index > audience[-1]
        await store.write_progress(
            work.connection,
            campaign.campaign_id,
            progress.partition,
            next_index,
            skipped,
            now if is_drained else None,
        )
        return len(contacts), len(eligible), is_drained

    def _requests(
        self, campaign: Campaign, frozen: Frozen, account: AccountSlice, contacts: BitMap, now: datetime
    ) -> Iterator[CampaignMessageRequested]:
        assert campaign.launch is not None
        assert campaign.launched_at is not None
        # The common part of all requests is built once, because there may be millions.
        campaign_id = str(campaign.campaign_id)
        send = Send(kind="campaign", id=campaign_id, sent_at=campaign.launched_at)
        cause = Cause(kind="campaign", campaign_id=campaign.campaign_id)
        for contact in contacts:
            contact_id = contact * self._partitions + account.image.first_contact
            yield CampaignMessageRequested(
                occurred_at=now,
                account_id=campaign.account_id,
                contact_id=contact_id,
                message_id=campaign.message_id,
                send=send,
                cause=cause,
                idempotency_key=f"campaign:{campaign_id}:{contact_id}",
                expires_at=campaign.expires_at,
                revision=campaign.launch.revision,
                content=frozen.content_of(contact) or None,
            )
