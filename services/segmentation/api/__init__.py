"""HTTP: segments, criteria, and the slices that other processes of the service ask for."""

from services.segmentation.api import audiences, campaigns, criteria, interest, membership_changes, segments

ROUTERS = [
    segments.router,
    membership_changes.router,
    criteria.router,
    audiences.router,
    campaigns.router,
    interest.router,
]
