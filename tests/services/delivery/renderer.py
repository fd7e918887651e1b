"""A small version of tracking's render endpoint; tracking's own tests check the same responses of the real one."""

from typing import Any
from uuid import UUID

from fastapi import FastAPI, Response
from orjson import dumps

UNKNOWN_MESSAGE = UUID(int=404)


def renderer() -> FastAPI:
    """Return an application that renders every message except UNKNOWN_MESSAGE."""
    app = FastAPI()

    @app.post("/v1/messages/{message_id}/render")
    async def render(message_id: UUID, body: dict[str, Any]) -> Response:
        if message_id == UNKNOWN_MESSAGE:
            return Response(dumps({"detail": "There is no such message."}), 404)
        lines = [_line(recipient) for recipient in body["recipients"]]
        return Response(b"\n".join(lines), media_type="application/x-ndjson")

    return app


def _line(recipient: dict[str, Any]) -> bytes:
    if "no_such_block" in recipient["content"]:
        return dumps({"index": 0, "code": "not_found"})
    name = recipient.get("fields", {}).get("first_name", "there")
    return dumps(
        {
            "contact_id": recipient["contact_id"],
            "token": f"token-{recipient['contact_id']}",
            "subject": f"Hello {name}",
            "preheader": "",
            "text": f"Hello {name}",
            "html": f"<p>Hello {name}</p>",
            "sender": {"name": "Shop", "email": "news@shop.example"},
            "reply_to": None,
        }
    )
