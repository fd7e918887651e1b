"""Generates missing ids of steps, which are stable over versions and never reused."""

from collections.abc import Iterable, Iterator

from services.workflow.domain.definitions import Definition, walk
from services.workflow.domain.steps import Step


def with_ids(definition: Definition, previous: Definition | None, used_ids: Iterable[str]) -> Definition:
    """Return the definition with an id on every step.

    A step without an id takes that of a step of `previous` with the same kind and content, or else of the step of its
    kind in the same place; a new step gets `<kind>-<n>`, with a number that is not in `used_ids`.
    """
    return definition.model_copy(update={"steps": _Giver(definition, previous, used_ids).give(definition.steps)})


def _content(step: Step) -> str:
    """Return the content of the step without its id and its inner steps."""
    shallow = step.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"id": True})
    for inner in shallow.values():
        if isinstance(inner, dict):
            inner.pop("then", None)
            inner.pop("else", None)
    return repr(shallow)


class _Giver:
    def __init__(self, definition: Definition, previous: Definition | None, used_ids: Iterable[str]) -> None:
        old = [] if previous is None else [(pointer, step) for pointer, step in walk(previous.steps) if step.id]
        new = list(walk(definition.steps))
        self.taken = {step.id for _, step in new if step.id}
        self.never = {*used_ids, *self.taken, *(step.id for _, step in old if step.id)}
        self.found: dict[str, str] = {}
        unnamed = [(pointer, step) for pointer, step in new if step.id is None]
        self._match(unnamed, [(_content(step), step) for _, step in old], [_content(step) for _, step in unnamed])
        unnamed = [(pointer, step) for pointer, step in unnamed if pointer not in self.found]
        places = [f"{pointer} {step.kind}" for pointer, step in unnamed]
        self._match(unnamed, [(f"{pointer} {step.kind}", step) for pointer, step in old], places)
        self.pointers = iter([pointer for pointer, _ in new])

    def _match(self, unnamed: list[tuple[str, Step]], old: list[tuple[str, Step]], keys: list[str]) -> None:
        free: dict[str, list[str]] = {}
        for key, step in old:
            if step.id and step.id not in self.taken:
                free.setdefault(key, []).append(step.id)
        for (pointer, _), key in zip(unnamed, keys, strict=True):
            if free.get(key):
                self.found[pointer] = free[key].pop(0)
                self.taken.add(self.found[pointer])

    def give(self, steps: tuple[Step, ...], pointer: str = "/steps") -> tuple[Step, ...]:
        return tuple(self._give(step, f"{pointer}/{index}") for index, step in enumerate(steps))

    def _give(self, step: Step, pointer: str) -> Step:
        given = step.id or self.found.get(pointer) or next(self._new(step.kind))
        self.never.add(given)
        branches = {name: self.give(inner, f"{pointer}/{step.kind}/{name}") for name, inner in step.branches}
        # Write the id first, as in every example.
        named = Step.model_construct(_fields_set={"id", *step.model_fields_set}, **{**step.__dict__, "id": given})
        return named.containing(branches)

    def _new(self, kind: str) -> Iterator[str]:
        number = 1
        while f"{kind}-{number}" in self.never:
            number += 1
        yield f"{kind}-{number}"
