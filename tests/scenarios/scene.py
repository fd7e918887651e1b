"""Four running services, and accounts that use their APIs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Self

import httpx

from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import OPERATOR_KEY, Sandbox

KNOWN_WITHIN = 60.0  # seconds
SERVICES = ("tracking", "labeling", "segmentation", "workflow")


def services_of(sandbox: Sandbox) -> dict[str, ServiceProcess]:
    """Create a process of each service without starting it; tracked links use the URL of tracking."""
    services = {name: sandbox.service(name) for name in SERVICES}
    services["tracking"].configure(PENCHANT_PUBLIC_URL=services["tracking"].url)
    return services


@dataclass(frozen=True, slots=True)
class Scene:
    """The sandbox, and a process of each service on it."""

    sandbox: Sandbox
    services: Mapping[str, ServiceProcess]

    def url(self, service: str) -> str:
        return self.services[service].url


class Account:
    """An account with an admin key. Methods return the service's answer, or fail with its text."""

    def __init__(self, scene: Scene, account_id: int, key: str) -> None:
        self.scene = scene
        self.account_id = account_id
        self.key = key
        self.http = httpx.Client(timeout=30, headers=bearer(key))

    @classmethod
    def open(cls, scene: Scene, name: str) -> Self:
        accounts = f"{scene.url('labeling')}/v1/accounts"
        with httpx.Client(headers=bearer(OPERATOR_KEY), timeout=30) as operator:
            made = operator.post(accounts, json={"name": name})
            assert made.status_code == 201, made.text
            granted = {"sender_domains": ["shop.example"]}
            assert operator.patch(f"{accounts}/{made.json()['account_id']}", json=granted).is_success
        return cls(scene, made.json()["account_id"], made.json()["api_key"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def request(self, service: str, method: str, path: str, **options: Any) -> httpx.Response:
        return self.http.request(method, f"{self.scene.url(service)}{path}", **options)

    def ask(self, service: str, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Return the JSON of a successful answer."""
        answer = self.request(service, method, path, **({} if body is None else {"json": body}), **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, service: str, path: str) -> Any:
        return self.ask(service, "GET", path)

    def post(self, service: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask(
            service, "POST", path, body, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def labels(self, *names: str) -> list[str]:
        """Create labels; return their ids."""
        return [self.post("labeling", "/v1/labels", {"name": name})["id"] for name in names]

    def contacts(self, count: int) -> list[int]:
        """Create contacts; return their ids."""
        rows = [{"email": f"contact{number}@customers.example", "external_id": f"c{number}"} for number in range(count)]
        ids: list[int] = self.post("labeling", "/v1/contacts/batch", rows)["contact_ids"]
        return ids

    def upload(self, content: bytes) -> dict[str, Any]:
        """Upload a file of contacts; return the import, which has not started."""
        answer = self.request("labeling", "POST", "/v1/imports", content=content)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def suppression(self, email: str) -> str:
        """Suppress an address; return the id of the suppression."""
        self.post("labeling", "/v1/suppressions", {"emails": [email]})
        suppression_id: str = self.get("labeling", "/v1/suppressions")["items"][-1]["id"]
        return suppression_id

    def message(self, html: str, name: str = "Newsletter") -> dict[str, Any]:
        made: dict[str, Any] = self.post("tracking", "/v1/messages", {"name": name, "html": html})
        return made

    def tokens(self, message_id: str, contact_ids: list[int], send: object = None) -> dict[int, dict[str, Any]]:
        """Return each contact's token, and the tracked links by link id.

        Retry until tracking knows all the contacts.
        """
        body = {"contact_ids": contact_ids} | ({} if send is None else {"send": send})
        deadline = monotonic() + KNOWN_WITHIN
        while True:
            answer = self.request("tracking", "POST", f"/v1/messages/{message_id}/tokens", json=body)
            lines = list(map(json.loads, answer.text.splitlines())) if answer.is_success else []
            if lines and all("token" in line for line in lines):
                return {line["contact_id"]: line for line in lines}
            assert "not_found" in answer.text, answer.text
            assert monotonic() < deadline, answer.text

    def first_run(self, workflow_id: str, within: float = 30.0) -> str:
        """Wait until the workflow has a run; return the id of the first one."""
        deadline = monotonic() + within
        while not (runs := self.get("workflow", f"/v1/workflows/{workflow_id}/runs")["items"]):
            assert monotonic() < deadline, "no run was started"
        run_id: str = runs[-1]["id"]
        return run_id


def bearer(key: str) -> dict[str, str]:
    """Return the Authorization header for a key."""
    return {"Authorization": f"Bearer {key}"}
