"""Bad input of every kind: no 5xx, and no answer that the document does not know."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.workflow.events import GUIDE, assigned, changed
from tests.services.workflow.rig import PARTITIONS, Rig
from tests.stack.processes import ServiceProcess

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
)


@pytest.mark.asyncio
@pytest.mark.timeout(300)
async def test_schemathesis_finds_nothing(rig: Rig, tmp_path: Path) -> None:
    environment = {
        "PENCHANT_KAFKA": rig.settings.kafka,
        "PENCHANT_TOPIC_PREFIX": rig.settings.topic_prefix,
        "PENCHANT_PARTITIONS": str(PARTITIONS),
        "PENCHANT_WORKFLOW_DATABASE": rig.settings.workflow_database.get_secret_value(),
    }
    process = ServiceProcess("services.workflow", environment, tmp_path / "log", "PENCHANT_WORKFLOW_PORT")
    try:
        await asyncio.to_thread(process.start)
        workflow = await rig.workflow({"send": {"message": str(GUIDE)}}, {"wait": {"days": 1}})
        await rig.publish(changed(), assigned())
        await rig.run(workflow, "running")
        found = await asyncio.to_thread(
            subprocess.run,
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "run",
                f"{process.url}/openapi.json",
                f"--header=Authorization: Bearer {rig.key}",
                f"--checks={','.join(CHECKS)}",
                "--phases=coverage,fuzzing",
                "--max-examples=5",
                "--exclude-path-regex=held-records",
                "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        process.end()
    assert found.returncode == 0, found.stdout + found.stderr
