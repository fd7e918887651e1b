"""HTTP: segments, criteria, and the slices that other processes of the service ask for."""

from services.segmentation.api import audiences, criteria, interest, segments

ROUTERS = [segments.router, criteria.router, audiences.router, interest.router]
