"""`make docs`: writes the JSON Schemas and docs/asyncapi.yaml, and says what changed."""

from pathlib import Path

from shared.events.documents import write_asyncapi, write_schemas

ASYNCAPI = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"

written = write_schemas() + ([ASYNCAPI] if write_asyncapi(ASYNCAPI) else [])
print("\n".join(str(path) for path in written) or "All up to date.")  # noqa: T201 - a command's answer
