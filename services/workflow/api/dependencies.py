"""Dependencies of the endpoints: the service, a caller with a scope, and preconditions."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from services.workflow.use_cases.service import WorkflowService
from shared.http.keys import Caller, requires
from shared.http.preconditions import Preconditions, preconditions


def _service(request: Request) -> WorkflowService:
    service: WorkflowService = request.app.state.service
    return replace(service, resources=service.resources.for_request(request))


Workflows = Annotated[WorkflowService, Depends(_service)]
Writer = Annotated[Caller, requires("write")]
Reader = Annotated[Caller, requires("read")]
Conditions = Annotated[Preconditions, preconditions()]
