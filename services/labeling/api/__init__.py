"""Labeling's HTTP API."""

from services.labeling.api import (
    accounts,
    assignment_jobs,
    assignments,
    contact_details,
    contacts,
    engagements,
    exports,
    fields,
    forms,
    imports,
    jobs,
    keys,
    labels,
    suppressions,
)

ROUTERS = (
    accounts.router,
    keys.router,
    labels.router,
    fields.router,
    contact_details.router,
    contacts.router,
    assignment_jobs.router,
    assignments.router,
    engagements.router,
    imports.router,
    exports.router,
    jobs.router,
    forms.router,
    suppressions.router,
)
