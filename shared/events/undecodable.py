"""Why a record could not be read, in words that fit a header and hold nothing of a person's."""

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
SHOWN = 5


class Undecodable(ValueError):
    """A record that cannot be read as it stands; reading it again with the same code gives the same answer."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: Kind = kind
        self.detail = detail

    @property
    def reason(self) -> str:
        """`kind: detail`, at most 1,000 characters, fit for the header `dead_reason`."""
        return str(self)[:1000]


def wrong_value(error: ValidationError) -> Undecodable:
    """Return the first few things that are wrong with a value, each with its pointer; never the value's own text."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return Undecodable("not_json", found[0]["msg"])
    said = [f"{pointer_of(problem['loc']) or 'value'}: {problem['msg']}" for problem in found[:SHOWN]]
    if len(found) > SHOWN:
        said.append(f"and {len(found) - SHOWN} more")
    return Undecodable("wrong_value", "; ".join(said))
