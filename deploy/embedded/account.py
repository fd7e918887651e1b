"""The account that the stack makes for whoever started it."""

import httpx

from deploy.embedded.error import StackError
from deploy.embedded.secrets import Account, Secrets

NAME = "My account"


async def first_account(labeling: str, secrets: Secrets) -> Account:
    """Ask labeling (its base URL) for an empty account; asked again after an interruption, it is the same one."""
    async with httpx.AsyncClient(base_url=labeling, timeout=30) as client:
        answer = await client.post(
            "/v1/accounts",
            json={"name": NAME, "time_zone": "UTC"},
            headers={
                "Authorization": f"Bearer {secrets.operator_key}",
                "Idempotency-Key": str(secrets.account_request),
            },
        )
    if not answer.is_success:
        raise StackError(f"labeling did not make an account: {answer.status_code} {answer.text[:500]}")
    return Account.model_validate_json(answer.content)
