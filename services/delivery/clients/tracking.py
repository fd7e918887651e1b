"""Client of tracking's API, which renders messages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr

MOST_RECIPIENTS = 1_000  # recipients in one request


class NotRendered(Exception):
    """Tracking will never render this message: it does not exist, or the request is not valid. The text says why."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message rendered for one recipient. `sender` has `name` and `email`; None if the message has no sender."""

    token: str
    subject: str
    text: str
    html: str
    sender: dict[str, str] | None
    reply_to: str | None


class TrackingClient:
    """Renders messages with an API key of scope `pipeline`."""

    def __init__(self, url: str, key: SecretStr) -> None:
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"), timeout=60, headers={"Authorization": f"Bearer {key.get_secret_value()}"}
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def render(
        self,
        account_id: int,
        message_id: UUID,
        revision: int | None,
        send: dict[str, str],
        recipients: Sequence[dict[str, Any]],
    ) -> list[Rendered | None]:
        """Return the mail of each recipient, in their order; None for one that tracking refused.

        Raises NotRendered if tracking refuses the whole request, and httpx.HTTPError if it is unavailable.
        """
        body: dict[str, Any] = {"send": send, "recipients": list(recipients)}
        if revision is not None:
            body["revision"] = revision
        answer = await self._http.post(
            f"/v1/messages/{message_id}/render", json=body, headers={"Penchant-Account": str(account_id)}
        )
        if answer.status_code in (404, 409, 422):
            raise NotRendered(str(answer.json().get("detail", answer.status_code)))
        answer.raise_for_status()
        return [_rendered(json.loads(line)) for line in answer.text.splitlines() if line]


def _rendered(line: dict[str, Any]) -> Rendered | None:
    if "token" not in line:
        return None
    return Rendered(
        token=line["token"],
        subject=line["subject"] or "",
        text=line["text"] or "",
        html=line["html"],
        sender=line.get("sender"),
        reply_to=line.get("reply_to"),
    )
