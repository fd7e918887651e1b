"""The page of limits shows the limits that the services enforce."""

from services.console.api.limits import MOST
from services.labeling.domain.limits import MOST_FIELDS, MOST_FORMS, MOST_LABELS
from services.segmentation.use_cases.segments import MAX_SEGMENTS
from services.tracking.use_cases.messages import MOST_MESSAGES
from services.workflow.use_cases.editing import MOST_WORKFLOWS


def test_the_limits_equal_those_of_the_services() -> None:
    assert {kind: most for kind, (_service, _path, most) in MOST.items()} == {
        "labels": MOST_LABELS,
        "fields": MOST_FIELDS,
        "forms": MOST_FORMS,
        "segments": MAX_SEGMENTS,
        "messages": MOST_MESSAGES,
        "workflows": MOST_WORKFLOWS,
    }
