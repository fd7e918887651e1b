"""Generates missing ids of steps, which are stable over versions and never reused."""

from collections.abc import Iterable, Iterator

from services.workflow.domain.definitions import Definition, walk
from services.workflow.domain.steps import Step


def with_ids(definition: Definition, previous: Definition | None, used_ids: Iterable[str]) -> Definition:
    """Return the definition with an id on every step.

    A step without an id takes that of a step of `previous` with the same kind and content, or else of the step of its
    kind in the same place; a new step gets `<kind>-<n>`, with a number that is not in `used_ids`.
    """
    return definition.model_copy(update={"steps": _IdAssigner(definition, previous, used_ids).assign(definition.steps)})


def _content(step: Step) -> str:
    """Return the content of the step without its id and its inner steps."""
    shallow = step.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"id": True})
    for inner in shallow.values():
        if isinstance(inner, dict):
            inner.pop("then", None)
            inner.pop("else", None)
    return repr(shallow)


class _IdAssigner:
    def __init__(self, definition: Definition, previous: Definition | None, used_ids: Iterable[str]) -> None:
        old = [] if previous is None else [(pointer, step) for pointer, step in walk(previous.steps) if step.id]
        new = list(walk(definition.steps))
        self.taken = {step.id for _, step in new if step.id}
        self.used = {*used_ids, *self.taken, *(step.id for _, step in old if step.id)}
        self.matched: dict[str, str] = {}
        without_id = [(pointer, step) for pointer, step in new if step.id is None]
        self._match(without_id, [(_content(step), step) for _, step in old], [_content(step) for _, step in without_id])
        without_id = [(pointer, step) for pointer, step in without_id if pointer not in self.matched]
        keys = [f"{pointer} {step.kind}" for pointer, step in without_id]
        self._match(without_id, [(f"{pointer} {step.kind}", step) for pointer, step in old], keys)
        self.pointers = iter([pointer for pointer, _ in new])

    def _match(self, without_id: list[tuple[str, Step]], old: list[tuple[str, Step]], keys: list[str]) -> None:
        available: dict[str, list[str]] = {}
        for key, step in old:
            if step.id and step.id not in self.taken:
                available.setdefault(key, []).append(step.id)
        for (pointer, _), key in zip(without_id, keys, strict=True):
            if available.get(key):
                self.matched[pointer] = available[key].pop(0)
                self.taken.add(self.matched[pointer])

    def assign(self, steps: tuple[Step, ...], pointer: str = "/steps") -> tuple[Step, ...]:
        return tuple(self._assign(step, f"{pointer}/{index}") for index, step in enumerate(steps))

    def _assign(self, step: Step, pointer: str) -> Step:
        step_id = step.id or self.matched.get(pointer) or next(self._new(step.kind))
        self.used.add(step_id)
        branches = {name: self.assign(inner, f"{pointer}/{step.kind}/{name}") for name, inner in step.branches}
        # Write the id first, as in every example.
        named = Step.model_construct(_fields_set={"id", *step.model_fields_set}, **{**step.__dict__, "id": step_id})
        return named.containing(branches)

    def _new(self, kind: str) -> Iterator[str]:
        number = 1
        while f"{kind}-{number}" in self.used:
            number += 1
        yield f"{kind}-{number}"
