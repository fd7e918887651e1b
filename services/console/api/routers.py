"""All routers of the console."""

from services.console.api import (
    builder,
    campaigns,
    contact,
    contacts,
    exports,
    home,
    imports,
    invitations,
    labels,
    messages,
    operations,
    segments,
    settings,
    sign_in,
    workflows,
)
from shared.http.routing import Router

ROUTERS: tuple[Router, ...] = (
    sign_in.router,
    sign_in.programs,
    home.router,
    labels.router,
    contacts.router,
    contact.router,
    messages.router,
    builder.router,
    segments.router,
    workflows.router,
    settings.router,
    invitations.router,
    operations.router,
    campaigns.router,
    imports.router,
    exports.router,
)
