"""Creates, changes, launches, pauses, resumes, cancels and deletes campaigns, each in a unit of work on the catalog."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from uuid_utils.compat import uuid7

from services.segmentation.domain.campaigns import EDITABLE, OVER, Campaign, Launch, SliceProgress
from services.segmentation.domain.errors import Conflict, LimitReached, NotFound
from services.segmentation.store import campaigns as store
from services.segmentation.use_cases.audiences import Audiences, WrittenAudience
from services.segmentation.use_cases.segments import VersionCheck, any_version
from shared.bus.errors import is_passing
from shared.criteria import Fault, InvalidCriterion
from shared.events.labeling import AccountChanged
from shared.events.segmentation import CampaignAudience, CampaignChanged, CampaignState
from shared.events.topics import CATALOG_PARTITION
from shared.retrying import until_it_works
from shared.runtime.service import Resources
from shared.store.unit_of_work import MAX_BODY_BYTES, MAX_DEFINITION_BYTES, UnitOfWork

log = structlog.get_logger()

MAX_CAMPAIGNS = 10_000  # per account
CHECK_INTERVAL = 0.3  # seconds between checks for campaigns whose state has to change
IDLE_CHECK_INTERVAL = 1.0  # seconds, after a check that found none


@dataclass(frozen=True, slots=True)
class WrittenCampaign:
    """A campaign in a request."""

    name: str
    message_id: UUID
    audience: WrittenAudience
    send_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Campaigns:
    """The campaigns of all accounts. `clock` decides when a scheduled one is due."""

    resources: Resources
    audiences: Audiences
    partitions: int
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def find(self, account_id: int, campaign_id: UUID) -> Campaign:
        """Return a campaign. Raises NotFound."""
        campaign = await store.read_campaign(self.resources.database.pool, account_id, campaign_id)
        if campaign is None:
            raise _not_found()
        return campaign

    def zone(self, account_id: int) -> ZoneInfo:
        """Return the account's time zone; UTC if the account is unknown."""
        account = self.resources.catalog.find(AccountChanged, account_id)
        return ZoneInfo(account.time_zone if account is not None else "UTC")

    async def page(self, account_id: int, after: UUID | None, limit: int) -> tuple[list[Campaign], int]:
        """Return at most `limit` campaigns with an id above `after`, and their total number."""
        return await store.read_page(self.resources.database.pool, account_id, after, limit)

    async def progress(self, campaign: Campaign) -> list[SliceProgress]:
        """Return the progress of each slice; empty before the launch."""
        return await store.read_progress(self.resources.database.pool, campaign.campaign_id)

    async def broken(self, campaign: Campaign) -> Sequence[Fault]:
        """Return a fault for each thing that a campaign uses and that does not exist; none once it is launched."""
        if campaign.state not in EDITABLE:
            return ()
        try:
            await self._launch_of(campaign)
        except InvalidCriterion as invalid:
            return [Fault(f"/audience{fault.pointer}", fault.detail) for fault in invalid.faults]
        except NotFound as missing:
            return [Fault("/message_id", str(missing))]
        return ()

    async def create(self, account_id: int, written: WrittenCampaign) -> Campaign:
        """Create a draft. Raises InvalidCriterion, NotFound (the message), LimitReached."""
        campaign_id = uuid7()
        parts = await self._parts(account_id, campaign_id, written)
        async with self.resources.database.unit_of_work(CATALOG_PARTITION) as work:
            if await store.count_campaigns(work.connection, account_id) >= MAX_CAMPAIGNS:
                raise LimitReached(f"An account has at most {MAX_CAMPAIGNS} campaigns.")
            campaign = Campaign(
                campaign_id=campaign_id,
                account_id=account_id,
                version=1,
                state="draft",
                created_at=work.now,
                changed_at=work.now,
                **parts,
            )
            await store.insert_campaign(work.connection, campaign)
            work.append(_event(campaign), most_bytes=MAX_DEFINITION_BYTES)
        await self.resources.acknowledged(work)
        return campaign

    async def _parts(self, account_id: int, campaign_id: UUID, written: WrittenCampaign) -> dict[str, Any]:
        audience = await self.audiences.read(account_id, written.audience)
        await self.audiences.find_message(account_id, written.message_id)
        return {
            "name": written.name,
            "message_id": written.message_id,
            "include": [one.criterion for one in audience.include],
            "exclude": [one.criterion for one in audience.exclude],
            "hold_out_percent": written.audience.hold_out_percent,
            "send_at": written.send_at,
            "expires_at": written.expires_at,
        }

    async def change(
        self,
        account_id: int,
        campaign_id: UUID,
        written: WrittenCampaign,
        check_version: VersionCheck = any_version,
    ) -> Campaign:
        """Change a campaign before its launch. Raises NotFound, InvalidCriterion, Conflict."""
        await self.find(account_id, campaign_id)
        parts = await self._parts(account_id, campaign_id, written)
        async with self.resources.database.unit_of_work(CATALOG_PARTITION) as work:
            current = await self._find_locked(work, account_id, campaign_id)
            check_version(current.version)
            current.require(*EDITABLE, action="changed")
            campaign = await self._write(work, replace(current, **parts), MAX_DEFINITION_BYTES)
        await self.resources.acknowledged(work)
        return campaign

    async def delete(self, account_id: int, campaign_id: UUID, check_version: VersionCheck = any_version) -> None:
        """Delete a draft, or a campaign that is over. Raises NotFound, Conflict."""
        async with self.resources.database.unit_of_work(CATALOG_PARTITION) as work:
            current = await self._find_locked(work, account_id, campaign_id)
            check_version(current.version)
            current.require("draft", *OVER, action="deleted; cancel it first")
            await store.delete_campaign(work.connection, campaign_id)
            work.append(_event(replace(current, state="deleted", version=current.version + 1, changed_at=work.now)))
        await self.resources.acknowledged(work)

    async def launch(self, account_id: int, campaign_id: UUID) -> Campaign:
        """Launch a draft, or schedule it if `send_at` is in the future.

        Launching again changes nothing. Raises NotFound, InvalidCriterion (something in its audience was deleted),
        Conflict once it is over.
        """
        campaign = await self.find(account_id, campaign_id)
        if campaign.state in ("scheduled", "launching", "sending"):
            return campaign
        if campaign.state != "draft":
            raise Conflict(f"A campaign that is {campaign.state} cannot be launched.")
        try:
            launch = await self._launch_of(campaign)
        except NotFound as missing:
            raise Conflict(f"The campaign cannot be launched: {missing}") from missing
        async with self.resources.database.unit_of_work(CATALOG_PARTITION) as work:
            current = await self._find_locked(work, account_id, campaign_id)
            if current.state in ("scheduled", "launching", "sending"):
                return current
            current.require("draft", action="launched")
            if current.version != campaign.version:
                raise Conflict("The campaign was changed in the meantime. Launch it again.")
            if current.send_at is not None and current.send_at > self.clock():
                current = await self._write(work, replace(current, state="scheduled"))
            else:
                current = await self._start(work, current, launch)
        await self.resources.acknowledged(work)
        return current

    async def _launch_of(self, campaign: Campaign) -> Launch:
        written = WrittenAudience(campaign.include, campaign.exclude, campaign.hold_out_percent, campaign.campaign_id)
        audience = await self.audiences.read(campaign.account_id, written, writing=False)
        message = await self.audiences.find_message(campaign.account_id, campaign.message_id)
        blocks = await self.audiences.blocks(campaign.account_id, campaign.message_id)
        return Launch(revision=message.revision, audience=audience, blocks=blocks)

    async def _start(self, work: UnitOfWork, campaign: Campaign, launch: Launch) -> Campaign:
        await store.insert_slices(work.connection, campaign.campaign_id, self.partitions)
        return await self._write(work, replace(campaign, state="launching", launch=launch, launched_at=self.clock()))

    async def pause(self, account_id: int, campaign_id: UUID) -> Campaign:
        """Pause a campaign; once this returns, no message is requested. Raises NotFound, Conflict."""
        return await self._stop(account_id, campaign_id, "paused", ("launching", "sending"))

    async def cancel(self, account_id: int, campaign_id: UUID) -> Campaign:
        """End a campaign; once this returns, no message is requested. Raises NotFound, Conflict."""
        states: tuple[CampaignState, ...] = ("scheduled", "launching", "sending", "paused")
        return await self._stop(account_id, campaign_id, "cancelled", states)

    async def _stop(
        self, account_id: int, campaign_id: UUID, state: CampaignState, states: tuple[CampaignState, ...]
    ) -> Campaign:
        # While this holds the locks of all partition numbers, no slice requests messages.
        numbers = (CATALOG_PARTITION, *range(self.partitions))
        async with self.resources.database.unit_of_work(*numbers) as work:
            campaign = await self._find_locked(work, account_id, campaign_id)
            if campaign.state == state:
                return campaign
            campaign.require(*states, action=state)
            campaign = await self._write(work, replace(campaign, state=state))
        await self.resources.acknowledged(work)
        return campaign

    async def resume(self, account_id: int, campaign_id: UUID) -> Campaign:
        """Resume a paused campaign. Raises NotFound, Conflict."""
        async with self.resources.database.unit_of_work(CATALOG_PARTITION) as work:
            campaign = await self._find_locked(work, account_id, campaign_id)
            if campaign.state in ("launching", "sending"):
                return campaign
            campaign.require("paused", action="resumed")
            # If every slice has frozen its part, the worker leaves `launching` at once.
            campaign = await self._write(work, replace(campaign, state="launching"))
        await self.resources.acknowledged(work)
        return campaign

    async def run(self) -> None:
        """Change the states of campaigns that are due, frozen or drained, until cancelled."""
        while True:
            due = await until_it_works("campaigns", self._move_due, is_passing)
            await asyncio.sleep(CHECK_INTERVAL if due else IDLE_CHECK_INTERVAL)

    async def _move_due(self) -> int:
        """Change the states that are due; return their number. If the code fails on a campaign, the others continue."""
        due = await store.campaigns_to_move(self.resources.database.pool, self.clock())
        for account_id, campaign_id in due:
            try:
                await self.move(account_id, campaign_id)
            except Exception as error:
                if is_passing(error):
                    raise
                log.exception("campaign could not be advanced", campaign_id=str(campaign_id))
        return len(due)

    async def move(self, account_id: int, campaign_id: UUID) -> None:
        """Change the state of a campaign if that is due.

        The lock of the catalog partition ensures that concurrent calls change it only once.
        """
        campaign = await store.read_campaign(self.resources.database.pool, account_id, campaign_id)
        if campaign is None:
            return
        launch: Launch | None = None
        failed: str | None = None
        if campaign.state == "scheduled":
            try:
                launch = await self._launch_of(campaign)
            except (InvalidCriterion, NotFound) as error:
                failed = str(error)
        async with self.resources.database.unit_of_work(CATALOG_PARTITION) as work:
            current = await store.read_campaign(work.connection, account_id, campaign_id)
            if current is None or (current.state, current.version) != (campaign.state, campaign.version):
                return
            if failed is not None:
                await self._write(work, replace(current, state="failed", reason=failed))
            elif launch is not None:
                await self._start(work, current, launch)
            else:
                await self._move_launched(work, current)

    async def _move_launched(self, work: UnitOfWork, campaign: Campaign) -> None:
        progress = await store.read_progress(work.connection, campaign.campaign_id)
        failures = [one.failed for one in progress if one.failed is not None]
        if campaign.state == "launching" and failures:
            await self._write(work, replace(campaign, state="failed", reason=failures[0]))
        elif campaign.state == "launching" and all(one.frozen_at is not None for one in progress):
            await self._write(work, replace(campaign, state="sending"))
        elif campaign.state == "sending" and all(one.drained_at is not None for one in progress):
            await self._write(work, replace(campaign, state="done"))

    async def _find_locked(self, work: UnitOfWork, account_id: int, campaign_id: UUID) -> Campaign:
        campaign = await store.read_campaign(work.connection, account_id, campaign_id)
        if campaign is None:
            raise _not_found()
        return campaign

    async def _write(self, work: UnitOfWork, campaign: Campaign, most_bytes: int = MAX_BODY_BYTES) -> Campaign:
        changed = replace(campaign, version=campaign.version + 1, changed_at=work.now)
        await store.update_campaign(work.connection, changed)
        work.append(_event(changed), most_bytes=most_bytes)
        return changed


def _not_found() -> NotFound:
    return NotFound("There is no such campaign.")


def _event(campaign: Campaign) -> CampaignChanged:
    return CampaignChanged(
        occurred_at=campaign.changed_at,
        account_id=campaign.account_id,
        campaign_id=campaign.campaign_id,
        campaign_name=campaign.name,
        campaign_version=campaign.version,
        message_id=campaign.message_id,
        revision=campaign.launch.revision if campaign.launch else None,
        audience=CampaignAudience(include=tuple(campaign.include), exclude=tuple(campaign.exclude)),
        hold_out_percent=campaign.hold_out_percent,
        state=campaign.state,
        reason=campaign.reason,
        send_at=campaign.send_at,
        expires_at=campaign.expires_at,
        launched_at=campaign.launched_at,
    )
