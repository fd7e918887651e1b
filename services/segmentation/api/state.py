"""The resources of endpoints."""

from dataclasses import dataclass, replace

from fastapi import Request

from services.segmentation.use_cases.audiences import Audiences
from services.segmentation.use_cases.campaign_recipients import CampaignRecipients
from services.segmentation.use_cases.campaign_reports import CampaignReports
from services.segmentation.use_cases.campaigns import Campaigns
from services.segmentation.use_cases.count_streams import CountStreams
from services.segmentation.use_cases.criteria import Criteria
from services.segmentation.use_cases.segments import Segments
from services.segmentation.use_cases.slice_owners import SliceOwners


@dataclass(frozen=True, slots=True)
class State:
    """The service's state, `request.app.state.service`."""

    segments: Segments
    criteria: Criteria
    audiences: Audiences
    campaigns: Campaigns
    recipients: CampaignRecipients
    reports: CampaignReports
    owners: SliceOwners
    streams: CountStreams

    @classmethod
    def of(cls, request: Request) -> "State":
        """Return the state for a request."""
        state: State = request.app.state.service
        resources = state.segments.resources.for_request(request)
        return replace(
            state,
            segments=replace(state.segments, resources=resources),
            campaigns=replace(state.campaigns, resources=resources),
        )
