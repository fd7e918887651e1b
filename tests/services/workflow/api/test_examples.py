"""The example definitions of the API documentation are valid."""

from typing import Any

import pytest

from services.workflow.api.examples import EXAMPLES
from services.workflow.domain.reading import read_definition, write_definition


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["name"])
def test_an_example_is_a_valid_definition_in_the_long_form(example: dict[str, Any]) -> None:
    written = write_definition(read_definition(example))
    assert written == write_definition(read_definition(written))
    assert example.items() <= {**written, "triggers": example["triggers"]}.items()
