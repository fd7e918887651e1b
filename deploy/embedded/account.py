"""Creates, at the first start, an account for the stack's user and a key for delivery."""

from uuid import UUID

import httpx

from deploy.embedded.error import StackError
from deploy.embedded.secrets import StackAccount

NAME = "My account"


async def first_account(labeling: str, operator_key: str, request: UUID) -> StackAccount:
    """Create an empty account at labeling (its base URL); the same `request` returns the same account."""
    async with httpx.AsyncClient(base_url=labeling, timeout=30) as client:
        answer = await client.post(
            "/v1/accounts",
            json={"name": NAME, "time_zone": "UTC"},
            headers={
                "Authorization": f"Bearer {operator_key}",
                "Idempotency-Key": str(request),
            },
        )
    if not answer.is_success:
        raise StackError(f"labeling did not create an account: {answer.status_code} {answer.text[:500]}")
    return StackAccount.model_validate_json(answer.content)


async def delivery_key(labeling: str, operator_key: str) -> str:
    """Ask labeling for a key of scope `pipeline`, which serves all accounts."""
    async with httpx.AsyncClient(base_url=labeling, timeout=30) as client:
        answer = await client.post(
            "/v1/keys",
            json={"name": "delivery", "scopes": ["pipeline"]},
            headers={"Authorization": f"Bearer {operator_key}"},
        )
    if not answer.is_success:
        raise StackError(f"labeling did not create a key for delivery: {answer.status_code} {answer.text[:500]}")
    key: str = answer.json()["key"]
    return key
