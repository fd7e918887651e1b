"""Carries out the buttons of a workflow's form: add, remove and move triggers and steps.

A place is the path to a step: `1.then.0` is the first step of the first branch of the second step.
"""

from services.console.domain.criterion_form import empty_draft
from services.console.domain.workflow_form import BRANCHED, DEEPEST, STEPS, Step, Trigger, WorkflowDraft


def changed_workflow(draft: WorkflowDraft, operation: str) -> WorkflowDraft:
    """Return the workflow after a button: `trigger`, `untrigger:0`, `condition`, `add:send:0.then`, `up:0.then.1`, …

    `move:2:0.then.1` moves the third step before the second one of that branch.
    """
    verb, _, rest = operation.partition(":")
    if verb == "trigger":
        draft.triggers.append(Trigger())
    elif verb == "untrigger" and rest.isdigit() and int(rest) < len(draft.triggers):
        draft.triggers.pop(int(rest))
    elif verb == "exit":
        draft.exit_on.append(Trigger())
    elif verb == "unexit" and rest.isdigit() and int(rest) < len(draft.exit_on):
        draft.exit_on.pop(int(rest))
    elif verb == "condition":
        draft.condition = empty_draft()
    elif verb == "uncondition":
        draft.condition = None
    else:
        _change_steps(draft, verb, rest)
    return draft


def _change_steps(draft: WorkflowDraft, verb: str, rest: str) -> None:
    place, _, to = rest.partition(":")
    if verb == "add":
        steps = _list_at(draft.steps, to)
        if steps is not None:
            steps.append(_new_step(place))
            draft.moved = _below(to, len(steps) - 1)
        return
    found = _step_at(draft.steps, place)
    if found is None:
        return
    steps, index = found
    if verb == "remove":
        steps.pop(index)
    elif verb == "up":
        _go(draft, place, _place_above(draft.steps, place))
    elif verb == "down":
        _go(draft, place, _place_below(draft.steps, place))
    elif verb == "move":
        _go(draft, place, to)


def _new_step(kind: str) -> Step:
    step = Step(kind if kind in STEPS else "send")
    if step.kind == "wait_for":
        step.events = [Trigger("ContactClicked", {"send": "this_run"})]
    if step.kind == "if":
        step.criterion = empty_draft()
    return step


def _list_at(steps: list[Step], place: str) -> list[Step] | None:
    """Return the list of steps at a place: "" is the outermost, `0.then` a branch of the first step."""
    path = place.split(".") if place else []
    while path:
        if len(path) < 2 or not path[0].isdigit() or int(path[0]) >= len(steps) or path[1] not in ("then", "else"):
            return None
        steps = _branch(steps[int(path[0])], path[1])
        path = path[2:]
    return steps


def _branch(step: Step, name: str) -> list[Step]:
    return step.then if name == "then" else step.otherwise


def _step_at(steps: list[Step], place: str) -> tuple[list[Step], int] | None:
    parent, _, last = place.rpartition(".")
    found = _list_at(steps, parent)
    if found is None or not last.isdigit() or int(last) >= len(found):
        return None
    return found, int(last)


def _place_above(steps: list[Step], place: str) -> str:
    """Return the place before which a step is inserted that moves up by one line, in and out of branches."""
    parent, _, last = place.rpartition(".")
    found, index = _list_at(steps, parent) or [], int(last)
    if index > 0:
        before = found[index - 1]
        inside = _below(f"{_below(parent, index - 1)}.else", len(before.otherwise))
        return inside if before.kind in BRANCHED and _fits(found[index], inside) else _below(parent, index - 1)
    outer, _, branch = parent.rpartition(".")
    if branch == "else":
        other = _list_at(steps, f"{outer}.then") or []
        return _below(f"{outer}.then", len(other))
    return outer if branch == "then" else place


def _place_below(steps: list[Step], place: str) -> str:
    """Return the place before which a step is inserted that moves down by one line, in and out of branches."""
    parent, _, last = place.rpartition(".")
    found, index = _list_at(steps, parent) or [], int(last)
    if index + 1 < len(found):
        inside = _below(f"{_below(parent, index + 1)}.then", 0)
        is_branched = found[index + 1].kind in BRANCHED
        return inside if is_branched and _fits(found[index], inside) else _below(parent, index + 2)
    outer, _, branch = parent.rpartition(".")
    if branch == "then":
        return _below(f"{outer}.else", 0)
    if branch == "else":
        around, _, number = outer.rpartition(".")
        return _below(around, int(number) + 1)
    return place


def _go(draft: WorkflowDraft, place: str, to: str) -> None:
    """Move the step at a place before `to`, but not into itself, nor beyond the maximum depth."""
    parent, _, last = to.rpartition(".")
    found, target = _step_at(draft.steps, place), _list_at(draft.steps, parent)
    if found is None or target is None or not last.isdigit() or f"{to}.".startswith(f"{place}."):
        return
    steps, index = found
    if not _fits(steps[index], to):
        return
    step = steps[index]
    at = min(int(last), len(target))
    steps.pop(index)
    target.insert(at - 1 if target is steps and index < at else at, step)
    draft.moved = _place_of(draft.steps, step, "")


def _place_of(steps: list[Step], wanted: Step, parent: str) -> str:
    for index, step in enumerate(steps):
        here = _below(parent, index)
        if step is wanted:
            return here
        for branch in ("then", "else"):
            found = _place_of(_branch(step, branch), wanted, f"{here}.{branch}")
            if found:
                return found
    return ""


def _fits(step: Step, place: str) -> bool:
    return place.count(".") // 2 + _height(step) <= DEEPEST


def _height(step: Step) -> int:
    return max((1 + _height(one) for one in (*step.then, *step.otherwise)), default=0)


def _below(parent: str, index: int) -> str:
    return f"{parent}.{index}" if parent else str(index)
