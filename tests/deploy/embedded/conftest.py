"""One stack for all tests here, because each start takes half a minute."""

from collections.abc import Iterator

import pytest

from tests.deploy.embedded.penchant import Penchant
from tests.stack.nodes import server_folder


@pytest.fixture(scope="package")
def penchant() -> Iterator[Penchant]:
    """Provide the command line on an empty home; see `Penchant.ensure_running`."""
    with server_folder("home") as home:
        command = Penchant(home)
        yield command
        down = command("down")
        assert down.returncode == 0, down.stderr
