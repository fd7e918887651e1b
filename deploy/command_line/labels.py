"""Labels by name, as people type them."""

import unicodedata
from collections.abc import Iterable

from deploy.command_line.client import Client


def folded(name: str) -> str:
    """Fold a name. Two names that fold to the same text name the same label."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def names_in(text: str) -> list[str]:
    """Return the names in a list such as `Dogs, Cats`; names of labels contain no commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


class Labels:
    """The account's labels; unknown ones are created when they are named."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ids: dict[str, str] = {}
        self.created: list[str] = []

    async def read(self) -> None:
        """Read all labels; a label can also be named by its aliases."""
        async for label in self._client.items("labeling", "/v1/labels"):
            for alias in label.get("aliases") or ():
                self._ids.setdefault(folded(alias), label["id"])
            self._ids[folded(label["name"])] = label["id"]

    async def ids(self, names: Iterable[str]) -> list[str]:
        """Return the ids of `names`, in order, each once."""
        found: dict[str, None] = {}
        for name in names:
            key = folded(name)
            if key not in self._ids:
                label = await self._client.post("labeling", "/v1/labels", {"name": name.strip()})
                self._ids[key] = label["id"]
                self.created.append(label["name"])
            found[self._ids[key]] = None
        return list(found)
