"""Converts the cells of a row to a change of a contact and labels, or to problems."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from services.labeling.domain.addresses import email_address, external_id
from services.labeling.domain.contacts import SUBSCRIPTIONS
from services.labeling.domain.directory import Key
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import Field, field_value
from services.labeling.domain.imports.options import ColumnTarget, Options
from services.labeling.domain.labels import name_key
from services.labeling.domain.tables.cells import Spelling, clean, read_boolean, read_date, read_labels, read_number
from shared.events.labeling import Subscription

_SUBSCRIBED = frozenset({"yes", "ja", "oui", "true", "1", "x", "active", "actief", "actif", "aktiv", "ingeschreven"})
_UNSUBSCRIBED = frozenset(
    {"no", "nee", "nein", "non", "false", "0", "inactive", "uitgeschreven", "opted out", "opt-out"}
)
LONGEST_CELL = 10_000
EMPTY_TEXT = "'"  # the result of `escape_formula` for an empty text


class CellProblem(NamedTuple):
    """Why a row is refused. `column` is the index of the cell, None for the row as a whole."""

    column: int | None
    code: str
    detail: str


class ParsedRow(NamedTuple):
    """The contents of a row. `label_ids` are known labels, `unknown` unknown names. A row with problems is refused.

    `fields` has None for a cell that clears its field.
    """

    email: str | None
    email_key: str | None
    external_id: str | None
    fields: dict[str, Any]
    subscription: Subscription | None
    language: str | None
    label_ids: tuple[UUID, ...]
    unknown: tuple[str, ...]
    problems: tuple[CellProblem, ...]

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that identify the contact: external id first, then address."""
        keys: list[Key] = []
        if self.external_id is not None:
            keys.append(("external", self.external_id))
        if self.email_key is not None:
            keys.append(("email", self.email_key))
        return tuple(keys)


class RowReader:
    """Reads rows according to a plan.

    `targets` are the targets of columns by index, `fields` the account's fields by key, `labels` its label ids by the
    `name_key` of names and aliases. `width` is the number of cells of a row.
    """

    def __init__(
        self,
        targets: Mapping[int, ColumnTarget],
        options: Options,
        fields: Mapping[str, Field],
        labels: Mapping[str, UUID],
        spelling: Spelling,
        width: int,
    ) -> None:
        self._targets = sorted(targets.items())
        self._options = options
        self._fields = fields
        self._labels = labels
        self._spelling = spelling
        self._width = width
        # A cache, because cells repeat. Its size is bounded, because a reader lives for one step of an import.
        self._labels_of_cell: dict[str, list[tuple[str, UUID | None]]] = {}

    def read(self, cells: Sequence[str]) -> ParsedRow:
        """Read one row. A row with too few or too many cells is refused, because its values may have shifted."""
        problems: list[CellProblem] = []
        row = _Row()
        if any(cell.strip() for cell in cells[self._width :]):
            detail = f"the row has {len(cells)} cells, the table has {self._width} columns"
            problems.append(CellProblem(None, "too_many_cells", detail))
        for index, target in self._targets:
            if index >= len(cells):
                continue
            text = clean(cells[index])
            if not text and cells[index] == EMPTY_TEXT and target.key is not None:
                self._read_empty_text(row, target.key)
                continue
            try:
                self._read_cell(row, target, text, problems, index)
            except InvalidError as error:
                problems.append(CellProblem(index, "invalid", error.detail))
        if row.email is None and row.external_id is None and not problems:
            problems.append(CellProblem(None, "no_contact", "the row has neither an e-mail address nor an external id"))
        if len(cells) < self._width and self._is_cut_off(cells):
            detail = f"the row has {len(cells)} cells, the table has {self._width} columns"
            problems.append(CellProblem(None, "too_few_cells", detail))
        for label_id in self._options.add_labels:
            row.label_ids.setdefault(label_id)
        return ParsedRow(
            row.email,
            row.email_key,
            row.external_id,
            row.fields,
            row.subscription,
            row.language,
            tuple(row.label_ids),
            tuple(row.unknown),
            tuple(problems),
        )

    def _is_cut_off(self, cells: Sequence[str]) -> bool:
        """Return whether a used column is beyond the row's end. (Some programs omit empty cells at the end.)"""
        return not any(index < len(cells) for index, _ in self._targets)

    def _read_cell(self, row: "_Row", target: ColumnTarget, text: str, problems: list[CellProblem], index: int) -> None:
        _check_text(text)
        if target.key is not None:
            self._read_field(row, target.key, text)
        elif not text:
            return
        elif target.known == "email":
            row.email, row.email_key = email_address(text)
        elif target.known == "external_id":
            row.external_id = external_id(text)
        elif target.known == "labels":
            self._read_labels(row, text, problems, index)
        elif target.known == "subscription":
            row.subscription = _subscription(text)
        elif target.known == "language":
            row.language = _language(text)

    def _read_field(self, row: "_Row", key: str, text: str) -> None:
        field = self._fields.get(key)
        if field is None:
            raise InvalidError(f"there is no field {key!r}")
        if not text:
            if self._options.empty_cells == "clear":
                row.fields[key] = None
            return
        if field.type == "number":
            row.fields[key] = field_value(field, read_number(text, self._spelling))
        elif field.type == "date":
            row.fields[key] = read_date(text, self._spelling)
        elif field.type == "boolean":
            row.fields[key] = read_boolean(text)
        else:
            row.fields[key] = field_value(field, text)

    def _read_empty_text(self, row: "_Row", key: str) -> None:
        """Store an empty text, which is not the same as no value."""
        field = self._fields.get(key)
        if field is not None and field.type == "text":
            row.fields[key] = ""

    def _read_labels(self, row: "_Row", text: str, problems: list[CellProblem], index: int) -> None:
        labels = self._labels_of_cell.get(text)
        if labels is None:
            labels = self._labels_of_cell[text] = [
                (name, self._labels.get(name_key(name))) for name in self._label_names(text)
            ]
        for name, label_id in labels:
            if label_id is not None:
                row.label_ids.setdefault(label_id)
                continue
            row.unknown.append(name)
            if self._options.unknown_labels == "error":
                problems.append(CellProblem(index, "unknown_label", f"there is no label {name!r}"))

    def _label_names(self, text: str) -> list[str]:
        """Return the names in a cell. A semicolon separates names, unless a label's name contains one."""
        names: list[str] = []
        for name in read_labels(text):
            if ";" in name and name_key(name) not in self._labels:
                names += [part.strip() for part in name.split(";") if part.strip()]
            else:
                names.append(name)
        return names


class _Row:
    """The values of a row that have been read so far."""

    __slots__ = ("email", "email_key", "external_id", "fields", "label_ids", "language", "subscription", "unknown")

    def __init__(self) -> None:
        self.email: str | None = None
        self.email_key: str | None = None
        self.external_id: str | None = None
        self.fields: dict[str, Any] = {}
        self.subscription: Subscription | None = None
        self.language: str | None = None
        self.label_ids: dict[UUID, None] = {}
        self.unknown: list[str] = []


def _check_text(text: str) -> None:
    if len(text) > LONGEST_CELL:
        raise InvalidError(f"a cell can have at most {LONGEST_CELL} characters")
    if "\0" in text or "\ufffd" in text:
        raise InvalidError("a character cannot be decoded: the file does not use the same encoding throughout")


def _language(text: str) -> str:
    if len(text) > 100:
        raise InvalidError("must have at most 100 characters")
    return text


def _subscription(text: str) -> Subscription:
    word = text.casefold()
    for known in SUBSCRIPTIONS:
        if word == known:
            return known
    if word in _SUBSCRIBED:
        return "subscribed"
    if word in _UNSUBSCRIBED:
        return "unsubscribed"
    raise InvalidError(f"must be one of: {', '.join(SUBSCRIPTIONS)}")


def is_blank(cells: Sequence[str]) -> bool:
    """Return whether all cells of a row are empty."""
    return not any(cell and not cell.isspace() for cell in cells)
