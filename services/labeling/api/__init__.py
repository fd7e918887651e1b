"""Labeling's HTTP API."""

from services.labeling.api import (
    accounts,
    assignments,
    contacts,
    engagements,
    exports,
    fields,
    imports,
    jobs,
    keys,
    labels,
)

ROUTERS = (
    accounts.router,
    keys.router,
    labels.router,
    fields.router,
    contacts.router,
    assignments.router,
    engagements.router,
    imports.router,
    exports.router,
    jobs.router,
)
