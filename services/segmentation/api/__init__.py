"""Segmentation's HTTP API, and the internal endpoint for questions between its processes."""

from services.segmentation.api import audiences, campaigns, criteria, interest, membership_changes, segments

ROUTERS = [
    segments.router,
    membership_changes.router,
    criteria.router,
    audiences.router,
    campaigns.router,
    interest.router,
]
