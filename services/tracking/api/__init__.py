"""Tracking's HTTP API."""

from services.tracking.api import blocks, checks, clicks, links, messages, pages, rendering, senders, statistics, tokens

ROUTERS = (
    messages.router,
    links.router,
    blocks.router,
    tokens.router,
    rendering.router,
    senders.router,
    clicks.router,
    statistics.router,
    checks.router,
)
PUBLIC_ROUTERS = (pages.router,)
