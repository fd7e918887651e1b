"""Requests that an OpenAPI document allows and forbids, sent to its service by schemathesis."""

import subprocess
import sys
from pathlib import Path

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
# Endpoints of the operator, and endless streams.
EXCLUDED_PATHS = "held-records|accounts$|/stream$"


def send_bad_input(url: str, authorization: str, folder: Path, examples: int, *options: str) -> None:
    """Fail on a 5xx, and on an answer that the document at `url` does not describe.

    `examples` requests are generated for each operation. schemathesis runs in `folder`: it reads a schemathesis.toml
    there, and writes its files there.
    """
    found = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{url}/openapi.json",
            f"--header=Authorization: {authorization}",
            f"--checks={','.join(CHECKS)}",
            f"--max-examples={examples}",
            f"--exclude-path-regex={EXCLUDED_PATHS}",
            "--no-color",
            *options,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr
