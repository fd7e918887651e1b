"""Which version an event belongs to, which contacts may start again, and when a loop is stopped."""

from datetime import timedelta
from typing import Literal

import pytest

from services.workflow.domain.phases import Phase, State, Workflow
from services.workflow.domain.program import compile_program, most_messages
from services.workflow.domain.reading import read_definition
from services.workflow.domain.starting import MAX_DEPTH, EntryHistory, may_start, stopped_reason
from tests.services.workflow.domain.story import NOON, WORKFLOW, seen
from tests.services.workflow.events import DOGS, GUIDE, assigned

HOUR = timedelta(hours=1)
SEND = {"send": {"message": str(GUIDE)}}
ASK = {"clicks": {"label": str(DOGS)}}


def workflow(*phases: tuple[State, int], while_paused: Literal["queue", "skip"] = "queue") -> Workflow:
    """Return a workflow with phases of one hour each, from noon on."""
    body = {
        "name": "W",
        "triggers": [{"on": "LabelAssigned", "label": str(DOGS)}],
        "steps": [SEND],
        "while_paused": while_paused,
    }
    programs = [compile_program(WORKFLOW, version, 1, read_definition(body)) for version in (1, 2)]
    return Workflow(
        WORKFLOW,
        1,
        programs,
        [Phase(NOON + number * HOUR, state, version) for number, (state, version) in enumerate(phases)],
    )


def counting(made: Workflow) -> list[int | None]:
    """Return the version that applies half an hour before the first phase, and in the middle of each phase."""
    return [
        next(
            (
                version
                for version, program in made.programs.items()
                if made.counts(program, seen(assigned(when=moment)))
            ),
            None,
        )
        for moment in [NOON + (number - 0.5) * HOUR for number in range(len(made.phases) + 1)]
    ]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (workflow(("draft", 1), ("active", 1)), [None, None, 1]),
        (workflow(("draft", 1), ("active", 1), ("active", 2)), [None, None, 1, 2]),
        (workflow(("active", 1), ("paused", 1), ("active", 1)), [None, 1, 1, 1]),
        (workflow(("active", 1), ("paused", 1), ("active", 1), while_paused="skip"), [None, 1, None, 1]),
        (workflow(("active", 1), ("paused", 1), ("paused", 2), ("active", 2)), [None, 1, 1, 2, 2]),
        (workflow(("active", 1), ("deleted", 1)), [None, None, None]),
    ],
)
def test_an_event_counts_for_the_version_in_effect_when_it_was_recorded(
    made: Workflow, expected: list[int | None]
) -> None:
    assert counting(made) == expected


def test_triggers_exclude_versions_that_were_never_in_effect() -> None:
    made = workflow(("draft", 1), ("draft", 2), ("active", 2))
    assert {program.version for _, program in made.triggers()} == {2}


@pytest.mark.parametrize(
    ("past", "once", "every_time", "not_while_running"),
    [
        (EntryHistory(), True, True, True),
        (EntryHistory(started=1), False, True, True),
        (EntryHistory(started=3, running=1), False, True, False),
        (EntryHistory(seen_before=True), True, True, True),
    ],
)
def test_reentry_decides_whether_a_contact_may_start_again(
    past: EntryHistory, once: bool, every_time: bool, not_while_running: bool
) -> None:
    assert may_start("once", past) is once
    assert may_start("every_time", past) is every_time
    assert may_start("not_while_running", past) is not_while_running


def test_a_chain_of_runs_is_stopped_beyond_the_maximum_depth() -> None:
    assert stopped_reason(MAX_DEPTH) is None
    assert "trigger each other" in (stopped_reason(MAX_DEPTH + 1) or "")


def test_most_messages_is_the_number_of_sends_on_the_longest_path() -> None:
    branch = {"if": {"criterion": ASK, "then": [SEND, SEND], "else": [SEND, {"exit": {}}, SEND]}}
    body = {"name": "W", "triggers": [{"on": "ContactClicked"}], "steps": [SEND, branch, SEND, {"exit": {}}, SEND]}
    assert most_messages(read_definition(body).steps) == 4
