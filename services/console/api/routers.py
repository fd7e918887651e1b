"""All routers of the console."""

from services.console.api import (
    builder,
    campaigns,
    contact,
    contacts,
    exports,
    home,
    hosted_forms,
    imports,
    invitations,
    labels,
    messages,
    operations,
    segments,
    settings,
    sign_in,
    suppressions,
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
    suppressions.router,
    settings.router,
    hosted_forms.router,
    invitations.router,
    operations.router,
    campaigns.router,
    imports.router,
    exports.router,
)
