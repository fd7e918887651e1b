"""HTTP: segments, criteria, and the slices that other processes of the service ask for."""

from services.segmentation.api import audiences, campaigns, criteria, interest, segments

ROUTERS = [segments.router, criteria.router, audiences.router, campaigns.router, interest.router]
