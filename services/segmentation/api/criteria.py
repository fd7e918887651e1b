"""`/v1/criteria`: a criterion that nobody has saved."""

from time import perf_counter
from typing import Annotated, Any

from fastapi import Request

from services.segmentation.answers.questions import Asked, CountNodes, ExplainContact
from services.segmentation.api.models import Count, CriterionBody, ExplainBody, NodeCount
from services.segmentation.state import State
from shared.criteria.references import walk
from shared.events.topics import partition_of
from shared.http.keys import Caller, requires
from shared.http.problems import Problem
from shared.http.routing import Router

router = Router(tags=["criteria"])


@router.post("/v1/criteria/count")
async def count_criterion(request: Request, body: CriterionBody, caller: Annotated[Caller, requires("read")]) -> Count:
    """How many contacts a criterion is true for, and every node of it."""
    state = State.of(request)
    others = await state.segments.criteria(caller.account_id)
    criterion = await state.segments.read(caller.account_id, body.criterion, others)
    started = perf_counter()
    answers = await state.owners.ask(caller.account_id, CountNodes(asked=Asked.of(criterion, others)))
    counts = [sum(of_node) for of_node in zip(*answers.values(), strict=True)]
    nodes = [NodeCount(pointer=node.pointer, count=count) for node, count in zip(walk(criterion), counts, strict=True)]
    return Count(count=counts[0], took_ms=round((perf_counter() - started) * 1000, 3), nodes=nodes)


@router.post("/v1/criteria/explain")
async def explain_criterion(
    request: Request, body: ExplainBody, caller: Annotated[Caller, requires("read")]
) -> dict[str, Any]:
    """The tree with the truth of every node for one contact, and what it saw."""
    state = State.of(request)
    others = await state.segments.criteria(caller.account_id)
    criterion = await state.segments.read(caller.account_id, body.criterion, others)
    partition = partition_of(caller.account_id, body.contact_id, state.partitions)
    question = ExplainContact(asked=Asked.of(criterion, others), contact_id=body.contact_id)
    tree: dict[str, Any] | None = (await state.owners.ask(caller.account_id, question, partition))[partition]
    if tree is None:
        raise Problem(404, "There is no such contact.")
    return tree
