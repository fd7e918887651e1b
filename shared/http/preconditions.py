"""ETags of definitions: `If-None-Match` avoids sending an unchanged one, `If-Match` prevents lost updates.

A definition's ETag is its version. Computed values, such as a count, do not affect it.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Response
from pydantic import BaseModel

from shared.http.problems import Problem


def etag_of(version: object) -> str:
    """Return the strong ETag of a version."""
    return f'"{version}"'


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The conditions of a request."""

    if_match: str | None = None
    if_none_match: str | None = None

    def require(self, etag: str) -> None:
        """Check, before a change, that the client read the version that has `etag`. Raises Problem 412 if not.

        A client that sends no `If-Match` overwrites any version.
        """
        if self.if_match is not None and not _matches(self.if_match, etag, weakly=False):
            raise Problem(412, "It has changed since it was read. Read it again.", headers={"ETag": etag})

    def answer(self, model: BaseModel, etag: str, status: int = 200) -> Response:
        """Return `model` with its `etag`, or 304 without a body if the client has this version."""
        if self.if_none_match is not None and _matches(self.if_none_match, etag, weakly=True):
            return Response(status_code=304, headers={"ETag": etag})
        return Response(model.model_dump_json(), status, {"ETag": etag}, media_type="application/json")


def preconditions() -> Any:  # noqa: ANN401 # as FastAPI's own Depends
    """Return the dependency: `conditions: Annotated[Preconditions, preconditions()]`."""
    return Depends(_preconditions)


async def _preconditions(
    if_match: Annotated[
        str | None, Header(max_length=1000, description="The ETag that was read; 412 if it has changed since.")
    ] = None,
    if_none_match: Annotated[
        str | None,
        Header(max_length=1000, description="ETags that the client has; 304 if the current one is among them."),
    ] = None,
) -> Preconditions:
    return Preconditions(if_match, if_none_match)


def _matches(header: str, etag: str, *, weakly: bool) -> bool:
    for candidate in header.split(","):
        tag = candidate.strip()
        if tag == "*" or tag == etag or (weakly and tag == f"W/{etag}"):
            return True
    return False
