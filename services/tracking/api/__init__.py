"""Tracking's HTTP API."""

from services.tracking.api import clicks, labels, messages, statistics, tokens

ROUTERS = (messages.router, labels.router, tokens.router, clicks.router, statistics.router)
