"""The OpenAPI document lists every answer of an endpoint; schemathesis checks it against the service."""

import re
import threading
from typing import Any

import pytest
from fastapi import FastAPI

from shared.http import documentation
from tests.shared.http.serving import make_app, serving


@pytest.mark.asyncio
async def test_every_endpoint_documents_its_problems() -> None:
    async with serving(make_app()) as client:
        document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    create = document["paths"]["/v1/things"]["post"]
    assert create["description"].endswith("Needs a key with the scope `write`.")
    documented = set(create["responses"])
    assert {"201", "400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "503"} <= documented
    for status in documented - {"201"}:
        prefix, _, name = create["responses"][status]["$ref"].rpartition("/")
        assert prefix == "#/components/responses"
        assert list(document["components"]["responses"][name]["content"]) == ["application/problem+json"]
    assert {parameter["name"] for parameter in create["parameters"]} == {"Idempotency-Key"}
    assert {"304", "401", "404"} <= set(document["paths"]["/v1/things/{thing_id}"]["get"]["responses"])
    assert "412" in document["paths"]["/v1/things/{thing_id}"]["put"]["responses"]
    assert "HTTPValidationError" not in str(document)
    assert document["components"]["schemas"]["NewThing"]["additionalProperties"] is False


@pytest.mark.asyncio
async def test_the_document_is_built_in_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    build = documentation.document

    def recording(app: FastAPI) -> dict[str, Any]:
        threads.append(threading.get_ident())
        return build(app)

    monkeypatch.setattr(documentation, "document", recording)
    async with serving(make_app()) as client:
        assert (await client.get("/openapi.json")).status_code == 200
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.asyncio
async def test_the_page_loads_only_its_own_assets() -> None:
    async with serving(make_app()) as client:
        page = await client.get("/docs")
        assert page.status_code == 200
        addresses = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
        assert addresses
        for address in addresses:
            assert address.startswith("/docs/assets/")
            assert (await client.get(address)).status_code == 200
        missing = await client.get("/docs/assets/none.js")
        assert missing.headers["content-type"] == "application/problem+json"


@pytest.mark.asyncio
async def test_the_root_redirects_to_the_page_which_allows_its_own_scripts_only() -> None:
    async with serving(make_app()) as client:
        root = await client.get("/")
        assert root.status_code == 307
        assert root.headers["location"] == "/docs"
        policy = (await client.get("/docs")).headers["content-security-policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in scripts
    assert scripts.count("'sha256-") == 1
    assert "frame-ancestors 'none'" in policy
