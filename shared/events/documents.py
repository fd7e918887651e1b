"""Writes the documents about events: JSON Schemas next to the models, and docs/asyncapi.yaml."""

from pathlib import Path

import yaml

from shared.events.asyncapi import document
from shared.events.json_schema import FOLDER, differences, orphans


class BrokenPromise(Exception):
    """A released schema would change incompatibly: add a new version of the event, and an upcast of the old one."""


def asyncapi_text() -> str:
    """Return the current text of docs/asyncapi.yaml."""
    text: str = yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)
    return "# Generated from shared/events by `make docs`.\n" + text


def write_schemas(folder: Path = FOLDER) -> list[Path]:
    """Update the schema files; return the paths of those that were written.

    Raises BrokenPromise, before anything is written, when a released schema would change incompatibly. To change an
    event that was never released, remove its file first.
    """
    outdated = list(differences(folder))
    broken = [f"{path.name} {problem}" for path, _, problems in outdated for problem in problems]
    broken += [f"{name} cannot be read any more" for name in orphans(folder)]
    if broken:
        raise BrokenPromise("\n".join(broken))
    folder.mkdir(exist_ok=True)
    for path, text, _ in outdated:
        path.write_text(text)
    return [path for path, _, _ in outdated]
