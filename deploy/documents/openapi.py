"""Generates the OpenAPI documents of the services without starting them."""

import json
from collections.abc import Mapping, Sequence
from typing import cast

from fastapi import APIRouter

from services.delivery.api import test_mails
from services.delivery.app import SERVICE as DELIVERY_SERVICE
from services.labeling.api import ROUTERS as LABELING
from services.labeling.api.pages import PAGES
from services.labeling.app import SERVICE as LABELING_SERVICE
from services.segmentation.api import ROUTERS as SEGMENTATION
from services.segmentation.app import SERVICE as SEGMENTATION_SERVICE
from services.tracking.api import PUBLIC_ROUTERS
from services.tracking.api import ROUTERS as TRACKING
from services.tracking.app import SERVICE as TRACKING_SERVICE
from services.workflow.api.routers import ROUTERS as WORKFLOW
from services.workflow.app import SERVICE as WORKFLOW_SERVICE
from shared.http.app import create_app
from shared.http.documentation import document
from shared.runtime.held_records import held_router
from shared.runtime.service import ServiceDefinition
from shared.store.database import Database

SERVICES: Mapping[str, tuple[ServiceDefinition, Sequence[APIRouter]]] = {
    "tracking": (TRACKING_SERVICE, [*TRACKING, *PUBLIC_ROUTERS]),
    "labeling": (LABELING_SERVICE, [*LABELING, *PAGES]),
    "segmentation": (SEGMENTATION_SERVICE, SEGMENTATION),
    "workflow": (WORKFLOW_SERVICE, WORKFLOW),
    "delivery": (DELIVERY_SERVICE, [test_mails.router]),
}


def openapi_text(name: str) -> str:
    """Return the service's document as the text of its file in docs/openapi."""
    service, routers = SERVICES[name]
    no_database = cast("Database", None)  # endpoints are described here, never called
    app = create_app(f"Penchant {name}", None, description=service.description)
    app.include_router(held_router(name, no_database))
    for router in routers:
        app.include_router(router)
    return json.dumps(document(app), indent=2, ensure_ascii=False) + "\n"
