"""HTTP: segments, criteria, and the slices that other processes of the service ask for."""

from services.segmentation.api import criteria, segments

ROUTERS = [segments.router, criteria.router]
