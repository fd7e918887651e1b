"""Forms, which are shown again with the entered values if they have errors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile

from services.console.api.refusals import refusal
from services.console.apis.client import ApiProblem

LARGEST_TEXTS = 4_000_000  # characters of all fields of a form; a newsletter is about 100,000


@dataclass(slots=True)
class Form:
    """The values of a form, and its errors: by the field's name, "" for the whole form.

    `prefix` distinguishes the ids of its fields from those of other forms on the same page.
    """

    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    prefix: str = ""

    def __getitem__(self, name: str) -> str:
        """Return the entered value without surrounding spaces; "" if there is none."""
        return self.values.get(name, "").strip()

    def raw(self, name: str) -> str:
        """Return the entered value unchanged; "" if there is none."""
        return self.values.get(name, "")

    def all(self, name: str) -> list[str]:
        """Return all values of a name, such as ticked boxes."""
        return self.lists.get(name, [])

    def error(self, name: str) -> str | None:
        """Return the error of a field, or None."""
        return self.errors.get(name)

    def refuse(self, problem: ApiProblem, names: Mapping[str, str] | None = None) -> None:
        """Add an API's errors to the form.

        `names` has the fields of pointers that have another name. Raises `problem` if its status is not one of invalid
        input.
        """
        if problem.status not in (400, 409, 412, 413, 422):
            raise problem
        for fault in problem.errors:
            pointer = str(fault.get("pointer", ""))
            name = self._field_of(pointer, names or {})
            self.errors.setdefault(name, refusal(str(fault.get("detail", ""))))
        if not self.errors:
            self.errors[""] = problem.detail

    def _field_of(self, pointer: str, names: Mapping[str, str]) -> str:
        for prefix, name in names.items():
            if pointer == prefix or pointer.startswith(prefix + "/"):
                return name
        first = pointer.removeprefix("/").partition("/")[0]
        return first if first in self.values else ""


async def read_form(request: Request) -> Form:
    """Return the text fields of a submitted form."""
    submitted = await request.form(max_fields=5000, max_files=5, max_part_size=LARGEST_TEXTS)
    pairs = [(name, value) for name, value in submitted.multi_items() if not isinstance(value, UploadFile)]
    return form_of(pairs)


def form_of(pairs: Iterable[tuple[str, str]]) -> Form:
    """Return a form with these values; for a repeated name, the last value counts."""
    form = Form()
    for name, value in pairs:
        text = value.replace("\r\n", "\n").replace("\0", "")
        form.values[name] = text
        form.lists.setdefault(name, []).append(text)
    return form
