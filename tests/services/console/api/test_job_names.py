"""Every job of labeling has a name in each language of the console."""

import pytest

from services.console.api.languages import language
from services.console.api.sentences import job_name
from services.labeling.use_cases.jobs import kinds
from services.labeling.use_cases.uploads import Limits


@pytest.mark.parametrize("kind", [job.kind for job in kinds(Limits())])
def test_a_job_has_a_name_in_each_language(kind: str) -> None:
    names = []
    for code in ("en", "nl"):
        token = language.set(code)
        names.append(job_name(kind))
        language.reset(token)
    assert len({kind, *names}) == 3
