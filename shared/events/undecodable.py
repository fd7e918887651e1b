"""The reason why a record could not be decoded, short enough for a header and without personal data."""

from typing import Literal

from pydantic import ValidationError

from shared.pointers import pointer_of

Kind = Literal[
    "not_json",
    "wrong_value",
    "null_value",
    "header",
    "unknown_type",
    "newer_version",
    "unknown_version",
    "too_large",
]
MOST_SHOWN = 5  # faults in a reason


class Undecodable(ValueError):
    """A record cannot be decoded; retrying with the same code gives the same result."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: Kind = kind
        self.detail = detail

    @property
    def reason(self) -> str:
        """The header `dead_reason`: `kind: detail`, at most 1,000 characters."""
        return str(self)[:1000]


def wrong_value(error: ValidationError) -> Undecodable:
    """Return the exception for an invalid value: its first faults, each with its pointer, but no part of the value."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        return Undecodable("not_json", problems[0]["msg"])
    details = [f"{pointer_of(problem['loc']) or 'value'}: {problem['msg']}" for problem in problems[:MOST_SHOWN]]
    if len(problems) > MOST_SHOWN:
        details.append(f"and {len(problems) - MOST_SHOWN} more")
    return Undecodable("wrong_value", "; ".join(details))
