"""The texts of the pages: one JSON file per language, with the same keys in each."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path


@lru_cache
def texts_of(language: str) -> Mapping[str, str]:
    """Return the texts of a language by key."""
    texts: dict[str, str] = json.loads(Path(__file__).with_name(f"{language}.json").read_text(encoding="utf-8"))
    return texts
