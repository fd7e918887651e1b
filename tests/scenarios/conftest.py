from collections.abc import Iterator

import pytest

from services.console.settings import ConsoleSettings
from tests.conftest import TestKafka, TestPostgres
from tests.stack.ground import OPERATOR_KEY, Ground


@pytest.fixture(scope="module")
def everything(
    kafka: TestKafka, postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """All four services at work; the environment of a console that knows them."""
    ground = Ground(kafka, postgres, tmp_path_factory.mktemp("everything"))
    services = {name: ground.service(name) for name in ("tracking", "labeling", "segmentation", "workflow")}
    # Its port is known only now, and tracked links must lead to it.
    services["tracking"]._environment["PENCHANT_PUBLIC_URL"] = services["tracking"].url
    try:
        for process in services.values():
            process.start(ready=False)
        for process in services.values():
            process.wait_ready()
        yield {
            "PENCHANT_HOME": str(ground.folder / "console"),
            "PENCHANT_KAFKA": ground.settings.kafka,
            "PENCHANT_TOPIC_PREFIX": ground.prefix,
            "PENCHANT_PARTITIONS": str(ground.partitions),
            "PENCHANT_OPERATOR_KEY": OPERATOR_KEY,
            **{f"PENCHANT_{name.upper()}_URL": process.url for name, process in services.items()},
        }
    finally:
        ground.clear()


@pytest.fixture
def console(everything: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> ConsoleSettings:
    """The environment in place, as a shell has it after `eval "$(penchant env)"`."""
    for name, value in everything.items():
        monkeypatch.setenv(name, value)
    return ConsoleSettings.read()
