"""Examples of definitions for the API documentation."""

from typing import Any

DOGS = "01890000-0000-7000-8000-000000000001"
GUIDE = "01890000-0000-7000-8000-000000000002"
NURTURED = "01890000-0000-7000-8000-000000000003"
REGULARS = "01890000-0000-7000-8000-000000000004"

EXAMPLES: list[dict[str, Any]] = [
    {
        "name": "Dog lovers",
        "triggers": [{"on": "LabelAssigned", "label": DOGS, "include_existing": True}],
        "max_event_age": {"days": 1},
        "steps": [
            {"id": "guide", "send": {"message": GUIDE}},
            {
                "id": "answer",
                "wait_for": {
                    "any": [{"on": "ContactClicked", "send": "this_run"}],
                    "at_most": {"days": 3},
                    "then": [{"id": "nurtured", "assign_label": {"label": NURTURED}}],
                },
            },
        ],
    },
    {
        "name": "Half of the regulars, in office hours",
        "triggers": [{"on": "SegmentEntered", "segment": REGULARS}],
        "steps": [
            {
                "id": "half",
                "split": {
                    "percent": 50,
                    "then": [
                        {
                            "id": "office",
                            "wait": {
                                "within": {
                                    "weekdays": ["mon", "tue", "wed", "thu", "fri"],
                                    "from": "09:00",
                                    "to": "17:00",
                                }
                            },
                        },
                        {"id": "guide", "send": {"message": GUIDE}},
                    ],
                },
            },
            {
                "id": "bought",
                "wait_for": {
                    "criterion": {"label": {"id": NURTURED}},
                    "at_most": {"days": 7},
                    "else": [{"id": "again", "send": {"message": GUIDE}}],
                },
            },
        ],
    },
    {
        "name": "Contest",
        "triggers": [{"on": "ContactEngaged", "kind": "form.submitted", "ref": "contest", "where": {"age": 18}}],
        "condition": {"not": {"label": {"id": NURTURED}}},
        "reentry": "every_time",
        "while_paused": "skip",
        "exit_on": [{"on": "LabelRemoved", "label": DOGS}],
        "steps": [
            {"id": "tomorrow", "wait": {"until": "09:00"}},
            {"id": "dogs", "assign_label": {"label": DOGS}},
        ],
    },
]
