"""Carries out the buttons of a workflow's form: add, remove and move triggers and steps.

A place is the path to a step: `1.then.0` is the first step of the first branch of the second step.
"""

from services.console.domain.criterion_form import empty_draft
from services.console.domain.workflow_form import BRANCHED, MAX_DEPTH, STEPS, Step, Trigger, WorkflowDraft


def changed_workflow(draft: WorkflowDraft, operation: str) -> WorkflowDraft:
    """Apply the operation of a button to the workflow, and return it.

    Operations are `trigger`, `untrigger:0`, `condition`, `add:send:0.then`, `up:0.then.1`, ….
    `move:2:0.then.1` moves the third step before the second one of that branch.
    """
    verb, _, argument = operation.partition(":")
    if verb == "trigger":
        draft.triggers.append(Trigger())
    elif verb == "untrigger" and argument.isdigit() and int(argument) < len(draft.triggers):
        draft.triggers.pop(int(argument))
    elif verb == "exit":
        draft.exit_on.append(Trigger())
    elif verb == "unexit" and argument.isdigit() and int(argument) < len(draft.exit_on):
        draft.exit_on.pop(int(argument))
    elif verb == "condition":
        draft.condition = empty_draft()
    elif verb == "uncondition":
        draft.condition = None
    else:
        _change_steps(draft, verb, argument)
    return draft


def _change_steps(draft: WorkflowDraft, verb: str, argument: str) -> None:
    operand, _, to = argument.partition(":")  # the kind of a new step, or the place of a step
    if verb == "add":
        steps = _list_at(draft.steps, to)
        if steps is not None:
            steps.append(_new_step(operand))
            draft.moved = _child_place(to, len(steps) - 1)
        return
    location = _step_at(draft.steps, operand)
    if location is None:
        return
    steps, index = location
    if verb == "remove":
        steps.pop(index)
    elif verb == "up":
        _move(draft, operand, _place_above(draft.steps, operand))
    elif verb == "down":
        _move(draft, operand, _place_below(draft.steps, operand))
    elif verb == "move":
        _move(draft, operand, to)


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
    siblings = _list_at(steps, parent)
    if siblings is None or not last.isdigit() or int(last) >= len(siblings):
        return None
    return siblings, int(last)


def _place_above(steps: list[Step], place: str) -> str:
    """Return the place before which a step is inserted that moves up by one line, in and out of branches."""
    parent, _, last = place.rpartition(".")
    siblings, index = _list_at(steps, parent) or [], int(last)
    if index > 0:
        previous = siblings[index - 1]
        inside = _child_place(f"{_child_place(parent, index - 1)}.else", len(previous.otherwise))
        return (
            inside if previous.kind in BRANCHED and _fits(siblings[index], inside) else _child_place(parent, index - 1)
        )
    outer, _, branch = parent.rpartition(".")
    if branch == "else":
        first_branch = _list_at(steps, f"{outer}.then") or []
        return _child_place(f"{outer}.then", len(first_branch))
    return outer if branch == "then" else place


def _place_below(steps: list[Step], place: str) -> str:
    """Return the place before which a step is inserted that moves down by one line, in and out of branches."""
    parent, _, last = place.rpartition(".")
    siblings, index = _list_at(steps, parent) or [], int(last)
    if index + 1 < len(siblings):
        inside = _child_place(f"{_child_place(parent, index + 1)}.then", 0)
        is_branched = siblings[index + 1].kind in BRANCHED
        return inside if is_branched and _fits(siblings[index], inside) else _child_place(parent, index + 2)
    outer, _, branch = parent.rpartition(".")
    if branch == "then":
        return _child_place(f"{outer}.else", 0)
    if branch == "else":
        outer_list, _, number = outer.rpartition(".")
        return _child_place(outer_list, int(number) + 1)
    return place


def _move(draft: WorkflowDraft, place: str, to: str) -> None:
    """Move the step at a place before `to`, but not into itself, nor beyond the maximum depth."""
    parent, _, last = to.rpartition(".")
    location, target_steps = _step_at(draft.steps, place), _list_at(draft.steps, parent)
    if location is None or target_steps is None or not last.isdigit() or f"{to}.".startswith(f"{place}."):
        return
    steps, index = location
    if not _fits(steps[index], to):
        return
    step = steps[index]
    target_index = min(int(last), len(target_steps))
    steps.pop(index)
    target_steps.insert(target_index - 1 if target_steps is steps and index < target_index else target_index, step)
    draft.moved = _place_of(draft.steps, step, "")


def _place_of(steps: list[Step], step: Step, parent: str) -> str:
    for index, candidate in enumerate(steps):
        place = _child_place(parent, index)
        if candidate is step:
            return place
        for branch in ("then", "else"):
            place_in_branch = _place_of(_branch(candidate, branch), step, f"{place}.{branch}")
            if place_in_branch:
                return place_in_branch
    return ""


def _fits(step: Step, place: str) -> bool:
    return place.count(".") // 2 + _height(step) <= MAX_DEPTH


def _height(step: Step) -> int:
    return max((1 + _height(one) for one in (*step.then, *step.otherwise)), default=0)


def _child_place(parent: str, index: int) -> str:
    return f"{parent}.{index}" if parent else str(index)
