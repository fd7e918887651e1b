"""The mapping of an import's columns, as a form."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

PLAIN_TARGETS = ("email", "external_id", "labels", "subscription", "language")
NEW_TYPES = ("text", "number", "date", "boolean")


def choice_of(maps_to: object) -> str:
    """Return the option of the form for a target of the API: `email`, `field:<key>` or `new:<type>`; "" for none."""
    if isinstance(maps_to, str):
        return maps_to
    if isinstance(maps_to, dict) and "field" in maps_to:
        return f"field:{maps_to['field']}"
    if isinstance(maps_to, dict) and "new_field" in maps_to:
        return f"new:{maps_to['new_field'].get('type', 'text')}"
    return ""


def target_of(choice: str, header: str | None, index: int) -> str | Json | None:
    """Return the API's target of a column for an option of the form; None skips the column."""
    kind, _, rest = choice.partition(":")
    if choice in PLAIN_TARGETS:
        return choice
    if kind == "field" and rest:
        return {"field": rest}
    if kind == "new" and rest in NEW_TYPES:
        name = " ".join((header or "").split()) or f"Column {index + 1}"
        return {"new_field": {"key": key_of(name, index), "name": name[:100], "type": rest}}
    return None


def key_of(name: str, index: int) -> str:
    """Return a key for a new field, made of the letters and digits of its name."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    key = re.sub(r"[^a-z0-9]+", "_", ascii_name).strip("_")[:40]
    return key if key and key[0].isalpha() else f"column_{index + 1}"


def check_body(values: Mapping[str, str], columns: Sequence[Mapping[str, Any]]) -> Json:
    """Return the body of the request that checks the file: the mapping and the options in a form."""
    mapping = [
        {
            "index": column["index"],
            "maps_to": target_of(values.get(f"column.{column['index']}", ""), column.get("header"), column["index"]),
        }
        for column in columns
    ]
    subscription: Json = {"set": "unconfirmed" if values.get("subscription") == "unconfirmed" else "subscribed"}
    if values.get("basis", "").strip():
        subscription["basis"] = values["basis"].strip()
    options: Json = {
        "subscription": subscription,
        "mode": values.get("mode") or "create_and_update",
        "unknown_labels": values.get("unknown_labels") or "error",
        "empty_cells": values.get("empty_cells") or "keep",
        "dates": values.get("dates") or "iso",
        "decimal": "," if values.get("decimal") == "," else ".",
    }
    if values.get("add_label"):
        options["add_labels"] = [values["add_label"]]
    return {"columns": mapping, "options": options}
