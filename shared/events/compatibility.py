"""Checks whether a JSON Schema may replace a released one.

Records are kept for ever and read by programs that we do not know. So a new schema must accept every value that
the old one accepted, and must keep every required member. It may add optional members, wider bounds and further
values.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

Schema = dict[str, Any]

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
FIXED = ("pattern", "format", "multipleOf", "uniqueItems")


class Incompatibility(NamedTuple):
    """A change that breaks readers or writers of the old schema; `pointer` points into values of the old schema."""

    pointer: str
    problem: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.problem}"


def incompatibilities(old: Schema, new: Schema, *, published: bool = True) -> list[Incompatibility]:
    """Return why `new` cannot replace `old`; an empty list if it can.

    `published`: others read these values, so a member that was always present must not become optional.
    """
    return list(_Comparison(old, new, published).compare(old, new, ""))


class _Comparison:
    def __init__(self, old: Schema, new: Schema, published: bool) -> None:
        self._old_root = old
        self._new_root = new
        self._published = published

    def compare(self, old: Schema, new: Schema, pointer: str) -> Iterator[Incompatibility]:
        old, new = _resolved(old, self._old_root), _resolved(new, self._new_root)
        if "anyOf" in old or "anyOf" in new:
            yield from self._alternatives(old, new, pointer)
            return
        yield from _types(old, new, pointer)
        yield from _values(old, new, pointer)
        yield from _bounds(old, new, pointer)
        yield from self._members(old, new, pointer)
        for inner in ("items", "additionalProperties", "propertyNames"):
            yield from self._inner(inner, old, new, pointer)
        yield from self._patterns(old, new, pointer)

    def _alternatives(self, old: Schema, new: Schema, pointer: str) -> Iterator[Incompatibility]:
        for option in old.get("anyOf", [old]):
            faults = [list(self.compare(option, other, pointer)) for other in new.get("anyOf", [new])]
            if all(faults):
                # Report the choice with the fewest faults.
                yield from min(faults, key=len)

    def _members(self, old: Schema, new: Schema, pointer: str) -> Iterator[Incompatibility]:
        before, now = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name not in now:
                yield Incompatibility(f"{pointer}/{name}", "is removed")
            else:
                yield from self.compare(before[name], now[name], f"{pointer}/{name}")
        required_before, required_now = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(required_now - required_before):
            yield Incompatibility(f"{pointer}/{name}", "is newly required")
        if self._published:
            for name in sorted((required_before - required_now) & now.keys()):
                yield Incompatibility(f"{pointer}/{name}", "was always there and may now be missing")

    def _inner(self, keyword: str, old: Schema, new: Schema, pointer: str) -> Iterator[Incompatibility]:
        before, now = _schema_of(old.get(keyword, True)), _schema_of(new.get(keyword, True))
        if before is None or now == {}:
            return
        if now is None:
            yield Incompatibility(pointer, f"{keyword} is now refused")
            return
        yield from self.compare(before, now, f"{pointer}/*")

    def _patterns(self, old: Schema, new: Schema, pointer: str) -> Iterator[Incompatibility]:
        before, now = old.get("patternProperties", {}), new.get("patternProperties", {})
        for pattern, schema in now.items():
            yield from self.compare(before.get(pattern, {}), schema, f"{pointer}/*")


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        schema = {**root["$defs"][name], **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _schema_of(value: bool | Schema) -> Schema | None:
    if isinstance(value, bool):
        return {} if value else None
    return value


def _types(old: Schema, new: Schema, pointer: str) -> Iterator[Incompatibility]:
    before, now = _type_set(old), _type_set(new)
    if now is None:
        return
    if before is None or not before <= (now | {"integer"} if "number" in now else now):
        previous = "anything" if before is None else ", ".join(sorted(before))
        yield Incompatibility(pointer, f"type was {previous} and is now {', '.join(sorted(now))}")


def _type_set(schema: Schema) -> set[str] | None:
    types = schema.get("type")
    if types is None:
        return None
    return {types} if isinstance(types, str) else set(types)


def _values(old: Schema, new: Schema, pointer: str) -> Iterator[Incompatibility]:
    before = [old["const"]] if "const" in old else old.get("enum")
    now = [new["const"]] if "const" in new else new.get("enum")
    if now is None:
        return
    if before is None:
        yield Incompatibility(pointer, f"took any value and now takes {now} only")
        return
    missing = [value for value in before if value not in now]
    if missing:
        yield Incompatibility(pointer, f"no longer takes {missing}")


def _bounds(old: Schema, new: Schema, pointer: str) -> Iterator[Incompatibility]:
    for keyword in LOWER:
        if keyword in new and (keyword not in old or new[keyword] > old[keyword]):
            yield Incompatibility(pointer, f"{keyword} was {old.get(keyword, 'free')} and is now {new[keyword]}")
    for keyword in UPPER:
        if keyword in new and (keyword not in old or new[keyword] < old[keyword]):
            yield Incompatibility(pointer, f"{keyword} was {old.get(keyword, 'free')} and is now {new[keyword]}")
    for keyword in FIXED:
        if keyword in new and new[keyword] != old.get(keyword):
            yield Incompatibility(pointer, f"{keyword} was {old.get(keyword, 'free')} and is now {new[keyword]}")
