"""Preparation of the containers before the services start."""

import pytest

from deploy.embedded.services import SERVICES
from deploy.images.prepare import migrations_of


@pytest.mark.parametrize("service", SERVICES)
def test_the_migrations_of_every_service_are_found(service: str) -> None:
    assert [entry.name for entry in migrations_of(service).iterdir() if entry.name.startswith(service)]
