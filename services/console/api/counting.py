"""Counts the contacts of many criteria with few requests."""

import asyncio
from collections.abc import Sequence
from typing import Any

from services.console.apis.client import Api, ApiProblem, Unreachable

_CRITERIA_PER_REQUEST = 90  # a criterion has 100 nodes at most


async def counts_of(api: Api, criteria: Sequence[dict[str, Any]]) -> list[int | None]:
    """Return the number of contacts for each of `criteria` (one node each); None if it is unavailable."""
    chunks = [
        criteria[start : start + _CRITERIA_PER_REQUEST] for start in range(0, len(criteria), _CRITERIA_PER_REQUEST)
    ]
    counts = await asyncio.gather(*(_counts(api, chunk) for chunk in chunks))
    return [count for chunk in counts for count in chunk]


async def _counts(api: Api, criteria: Sequence[dict[str, Any]]) -> list[int | None]:
    try:
        answer = await api.post("segmentation", "/v1/criteria/count", {"criterion": {"any": list(criteria)}})
    except (ApiProblem, Unreachable):
        # A single criterion that cannot be counted must not hide the others.
        return [None] * len(criteria) if len(criteria) == 1 else [(await _counts(api, [one]))[0] for one in criteria]
    counts = {node["pointer"].removeprefix("/criterion"): node["count"] for node in answer["nodes"]}
    return [counts.get(f"/any/{index}") for index in range(len(criteria))]
