"""Every endpoint of the live OpenAPI documents refuses requests that the key does not permit."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from statistics import median
from time import monotonic
from typing import Any

import asyncpg
import httpx
import pytest

from shared.http.keys import generate
from tests.scenarios.everything import create_one_of_each_kind, definition_started_by, html_of
from tests.scenarios.scene import SERVICES, Account, Scene, bearer

METHODS = ("get", "put", "post", "patch", "delete")
OPERATORS = re.compile(r"/v1/accounts(/.*)?|/v1/\w+-held-records.*")
NEEDS = re.compile(r"Needs a key with the scope `(\w+)`\.")
# Which of two scopes these endpoints require depends on the origin in the body; `read` is never enough.
BY_ORIGIN = {
    ("PUT", "/v1/contacts/{contact}/labels/{label_id}"),
    ("DELETE", "/v1/contacts/{contact}/labels/{label_id}"),
    ("POST", "/v1/assignments"),
}
# Any id is valid: an unknown contact was not in the campaign. The answer reveals nothing about another account.
ANY_ID_IS_VALID = {"contact_id"}
SOON = 1.0  # seconds until a revoked key is refused
TABLES = """
SELECT string_agg(oid::regclass::text, ', ') FROM pg_class
WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""
NOW = "2026-11-01T08:00:00Z"


@dataclass(frozen=True, slots=True)
class Operation:
    """An endpoint, as its service's OpenAPI document describes it."""

    service: str
    method: str
    path: str
    scope: str | None

    @property
    def parameters(self) -> list[str]:
        """Return the ids in the path that name an object of one account."""
        return [name for name in re.findall(r"{(\w+)}", self.path) if name not in ANY_ID_IS_VALID]

    def __str__(self) -> str:
        return f"{self.service}: {self.method} {self.path}"


def operations(scene: Scene) -> Iterator[Operation]:
    """Yield the operations that require a key of an account."""
    for service in SERVICES:
        document = httpx.get(f"{scene.url(service)}/openapi.json").json()
        for path, described in document["paths"].items():
            if path.startswith("/v1/") and not OPERATORS.fullmatch(path):
                for method in METHODS:
                    if method in described:
                        needs = NEEDS.search(described[method]["description"])
                        yield Operation(service, method.upper(), path, needs and needs.group(1))


class Tenant:
    """An account with one object of each kind; `ids` by the name of the path parameter, `bodies` by method and path."""

    def __init__(self, account: Account, contacts: int) -> None:
        self.account = account
        # The other account must not have a contact with this id.
        self.ids = create_one_of_each_kind(account, f"motto_{account.account_id}", contacts)
        self.contact = int(self.ids["contact"])
        dogs, message, link = self.ids["label_id"], self.ids["message_id"], self.ids["link_id"]
        criterion, definition = {"label": dogs}, definition_started_by(dogs)
        report = {"contact_id": self.contact, "message_id": message, "link_id": link, "occurred_at": NOW}
        engagement = {"contact_id": self.contact, "kind": "form", "occurred_at": NOW}
        asked = {"criterion": criterion, "contact_id": self.contact}
        self.bodies: dict[tuple[str, str], Any] = {
            ("POST", "/v1/messages"): {"name": "Another", "html": html_of(account)},
            ("PUT", "/v1/messages/{message_id}"): {"name": "Changed", "html": html_of(account)},
            ("PUT", "/v1/messages/{message_id}/links/{link_id}/labels"): {"label_ids": [dogs]},
            ("PUT", "/v1/messages/{message_id}/link-labels"): {link: [dogs]},
            ("POST", "/v1/messages/{message_id}/tokens"): {"contact_ids": [self.contact]},
            ("POST", "/v1/clicks"): [report],
            ("POST", "/v1/clicks/lookup"): {"ids": ["click-1"]},
            ("POST", "/v1/keys"): {"name": "another", "scopes": ["read"]},
            ("POST", "/v1/labels"): {"name": "Another"},
            ("PATCH", "/v1/labels/{label_id}"): {"description": "Changed"},
            ("POST", "/v1/fields"): {"key": "another", "name": "Another", "type": "text"},
            ("PATCH", "/v1/fields/{key}"): {"name": "Changed"},
            ("POST", "/v1/contacts"): {"email": "another@customers.example"},
            ("POST", "/v1/contacts/batch"): [{"email": "another@customers.example"}],
            ("PATCH", "/v1/contacts/{contact}"): {"language": "nl"},
            ("PUT", "/v1/contacts/{contact}/labels/{label_id}"): {},
            ("DELETE", "/v1/contacts/{contact}/labels/{label_id}"): {},
            ("POST", "/v1/assignments"): [{"contact_id": self.contact, "label_id": dogs, "held": True}],
            ("POST", "/v1/engagements"): [engagement],
            ("POST", "/v1/segments"): {"name": "Another", "criterion": criterion},
            ("PUT", "/v1/segments/{segment_id}"): {"name": "Changed", "criterion": criterion},
            ("POST", "/v1/criteria/count"): {"criterion": criterion},
            ("POST", "/v1/criteria/explain"): asked,
            ("POST", "/v1/workflows"): definition,
            ("PUT", "/v1/workflows/{workflow_id}"): definition,
            ("POST", "/v1/workflows/{workflow_id}/activate"): None,
            ("POST", "/v1/workflows/{workflow_id}/pause"): None,
            ("POST", "/v1/workflows/{workflow_id}/try"): {"contact_id": self.contact},
            ("POST", "/v1/runs/{run_id}/cancel"): None,
            ("POST", "/v1/runs/{run_id}/retry"): None,
        }
        self.bodies |= self._bodies_of_many(dogs) | self._bodies_of_campaigns(dogs, message)

    def _bodies_of_many(self, dogs: str) -> dict[tuple[str, str], Any]:
        """Return the bodies for imports, exports, forms, suppressions and other work on many contacts."""
        form = {"name": "Another"}
        return {
            ("PATCH", "/v1/account"): {"name": "Changed"},
            ("POST", "/v1/labels/{label_id}/merge"): {"into": self.ids["label_id"]},
            ("POST", "/v1/contacts/lookup"): {"contact_ids": [self.contact]},
            ("POST", "/v1/assignment-jobs"): {"of": {"label": dogs}, "label_id": dogs, "held": True, "dry_run": True},
            ("POST", "/v1/assignment-jobs/{job_id}/undo"): None,
            ("POST", "/v1/imports"): None,
            ("PUT", "/v1/imports/{import_id}"): {"options": {"mode": "create"}},
            ("POST", "/v1/imports/{import_id}/start"): None,
            ("POST", "/v1/imports/{import_id}/cancel"): None,
            ("POST", "/v1/imports/{import_id}/undo"): None,
            ("POST", "/v1/exports"): {"of": {"label": dogs}, "format": "csv"},
            ("POST", "/v1/jobs/{job_id}/cancel"): None,
            ("POST", "/v1/forms"): form,
            ("PUT", "/v1/forms/{form_id}"): form,
            ("POST", "/v1/suppressions"): {"emails": ["another@customers.example"]},
            ("POST", "/v1/suppressions/lookup"): {"emails": ["another@customers.example"]},
        }

    def _bodies_of_campaigns(self, dogs: str, message: str) -> dict[tuple[str, str], Any]:
        """Return the bodies for audiences, campaigns, and the parts of a message that they need."""
        criterion = {"label": dogs}
        campaign = {"name": "Another", "message_id": message, "audience": {"include": [criterion]}}
        return {
            ("POST", "/v1/criteria/contacts"): {"criterion": criterion},
            ("POST", "/v1/criteria/describe"): {"criterion": criterion},
            ("POST", "/v1/audiences/count"): {"include": [criterion]},
            ("POST", "/v1/audiences/contacts"): {"include": [criterion]},
            ("POST", "/v1/content/decide"): {"message_id": message, "contact_ids": [self.contact]},
            ("POST", "/v1/campaigns"): campaign,
            ("PUT", "/v1/campaigns/{campaign_id}"): campaign,
            ("POST", "/v1/campaigns/{campaign_id}/launch"): None,
            ("POST", "/v1/campaigns/{campaign_id}/pause"): None,
            ("POST", "/v1/campaigns/{campaign_id}/resume"): None,
            ("POST", "/v1/campaigns/{campaign_id}/cancel"): None,
            ("PATCH", "/v1/messages/{message_id}/links/{link_id}"): {"tracking": "always"},
            ("PUT", "/v1/messages/{message_id}/blocks/{block}"): {
                "variants": [{"variant": "dogs", "criterion": criterion}]
            },
            ("POST", "/v1/messages/{message_id}/render"): {"recipients": [{"contact_id": self.contact}]},
            ("POST", "/v1/senders"): {"name": "Another", "email": "another@shop.example"},
            ("PATCH", "/v1/senders/{sender_id}"): {"name": "Changed"},
        }

    def ask(self, operation: Operation, ids: dict[str, str], key: str | None = None) -> httpx.Response:
        """Send a request for `ids` with a valid body, by default with the account's own key."""
        path = operation.path.format(**ids)
        if operation.path.endswith("/html"):
            path += f"?contact_id={self.contact}"
        body = None
        if operation.method in ("PUT", "POST", "PATCH"):
            body = self.bodies[operation.method, operation.path]  # a new endpoint needs a body here
        return self.account.request(
            operation.service, operation.method, path, json=body, headers={} if key is None else bearer(key)
        )


@pytest.fixture(scope="module")
def tenant(scene: Scene) -> Iterator[Tenant]:
    with Account.open(scene, "Ours") as account:
        yield Tenant(account, contacts=1)


@pytest.fixture(scope="module")
def other(scene: Scene) -> Iterator[Tenant]:
    with Account.open(scene, "Theirs") as account:
        yield Tenant(account, contacts=3)


def test_objects_of_another_account_are_not_found(scene: Scene, tenant: Tenant, other: Tenant) -> None:
    """Every combination of the path's ids is replaced by ids of the other account."""
    before = _objects_of(other)
    for operation in operations(scene):
        for theirs in product((True, False), repeat=len(operation.parameters)):
            if any(theirs):
                whose = dict(zip(operation.parameters, theirs, strict=True))
                ids = {name: (other if whose.get(name) else tenant).ids[name] for name in tenant.ids}
                answer = tenant.ask(operation, ids)
                assert answer.status_code == 404, (str(operation), whose, answer.text)
    external = f"external:{other.account.get('labeling', f'/v1/contacts/{other.contact}')['external_id']}"
    assert tenant.account.request("labeling", "GET", f"/v1/contacts/{external}").status_code == 404
    assert _objects_of(other) == before


def _objects_of(of: Tenant) -> list[Any]:
    """Return the objects of the account, as its own key reads them."""
    paths = {
        "tracking": ["/v1/messages/{message_id}"],
        "labeling": [
            "/v1/contacts/{contact}",
            "/v1/contacts/{contact}/labels",
            "/v1/labels/{label_id}",
            "/v1/fields/{key}",
            "/v1/keys",
        ],
        "workflow": ["/v1/workflows/{workflow_id}", "/v1/runs/{run_id}"],
    }
    segment = of.account.get("segmentation", f"/v1/segments/{of.ids['segment_id']}")
    return [segment["name"], segment["version"]] + [
        of.account.get(service, path.format(**of.ids)) for service in paths for path in paths[service]
    ]


def test_ids_of_another_account_in_queries_and_bodies_match_nothing(tenant: Tenant, other: Tenant) -> None:
    """Lists that are filtered by another account's ids are empty; bodies that name them are refused."""
    ask, ids, theirs = tenant.account.request, tenant.ids, other.ids
    contact = other.contact
    for path in (f"/v1/clicks?message_id={theirs['message_id']}", f"/v1/clicks?contact_id={contact}"):
        assert ask("tracking", "GET", path).json()["items"] == []
    html = f"/v1/messages/{ids['message_id']}/html?contact_id={contact}"
    assert ask("tracking", "GET", html).status_code == 404
    recipient = f"/v1/campaigns/{ids['campaign_id']}/recipients/{contact}"
    assert ask("segmentation", "GET", recipient).json()["status"] == "not_included"
    asked = {"criterion": {"label": ids["label_id"]}, "contact_id": contact}
    assert ask("segmentation", "POST", "/v1/criteria/explain", json=asked).status_code == 404
    label = theirs["label_id"]
    link = f"/v1/messages/{ids['message_id']}/links/{ids['link_id']}/labels"
    assert ask("tracking", "PUT", link, json={"label_ids": [label]}).status_code == 422
    segment = {"name": "Theirs", "criterion": {"label": label}}
    assert ask("segmentation", "POST", "/v1/segments", json=segment).status_code == 422
    steps = [{"send": {"message": theirs["message_id"]}}, {"assign_label": {"label": label}}]
    triggers = [{"on": "SegmentEntered", "segment": theirs["segment_id"]}]
    refused = ask("workflow", "POST", "/v1/workflows", json={"name": "Theirs", "triggers": triggers, "steps": steps})
    assert (refused.status_code, len(refused.json()["errors"])) == (422, 3)
    assigned = [{"contact_id": contact, "label_id": ids["label_id"], "held": True}]
    assert ask("labeling", "POST", "/v1/assignments", json=assigned).status_code == 422
    assigned = [{"contact_id": tenant.contact, "label_id": label, "held": True}]
    assert ask("labeling", "POST", "/v1/assignments", json=assigned).status_code == 422


def test_requests_without_a_key_are_refused(scene: Scene, tenant: Tenant) -> None:
    with closing(httpx.Client(timeout=30)) as http:
        for operation in operations(scene):
            path = operation.path.format(**tenant.ids)
            answer = http.request(operation.method, f"{scene.url(operation.service)}{path}")
            assert answer.status_code == 401, str(operation)
            assert answer.headers["www-authenticate"].startswith("Bearer"), str(operation)


@pytest.mark.asyncio
@pytest.mark.parametrize("service", SERVICES)
async def test_a_made_up_key_is_refused_without_a_query(scene: Scene, tenant: Tenant, service: str) -> None:
    """All tables are locked, so no query can run, and the key is still refused."""
    own = [operation for operation in operations(scene) if operation.service == service]
    connection = await asyncpg.connect(scene.sandbox.database(service))
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {await connection.fetchval(TABLES)}")
            answers = {str(operation): tenant.ask(operation, tenant.ids, "pk_" + "0" * 49) for operation in own}
            # A key with the right checksum that belongs to no account.
            answers["well made"] = tenant.ask(own[0], tenant.ids, generate())
            assert await connection.fetchval("SELECT true"), "the connection that holds the locks must be alive"
    finally:
        await connection.close()
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 401)


def test_a_key_without_the_required_scope_is_refused(scene: Scene, tenant: Tenant) -> None:
    scopes = ("read", "write", "self")
    every = list(operations(scene))
    without = {
        lacking: tenant.account.post(
            "labeling", "/v1/keys", {"name": f"no {lacking}", "scopes": [one for one in scopes if one != lacking]}
        )["key"]
        for lacking in scopes
    }
    no_admin = tenant.account.post("labeling", "/v1/keys", {"name": "no admin", "scopes": list(scopes)})["key"]
    only_read = tenant.account.post("labeling", "/v1/keys", {"name": "only read", "scopes": ["read"]})["key"]
    assert {operation.scope for operation in every} == {"read", "write", "admin", None}
    assert {(one.method, one.path) for one in every if one.scope is None} == BY_ORIGIN
    for operation in every:
        key = only_read if operation.scope is None else {**without, "admin": no_admin}[operation.scope]
        answer = tenant.ask(operation, tenant.ids, key)
        assert answer.status_code == 403, (str(operation), answer.text)


def test_endpoints_for_operators_refuse_keys_of_accounts(scene: Scene, tenant: Tenant) -> None:
    found = 0
    for service in SERVICES:
        for path, described in tenant.account.get(service, "/openapi.json")["paths"].items():
            for method in (method for method in METHODS if OPERATORS.fullmatch(path) and method in described):
                own = path.format(account_id=tenant.account.account_id)
                answer = tenant.account.request(service, method.upper(), own, json={"name": "x"})
                assert answer.status_code == 401, (service, method, path)
                found += 1
    assert found == 2 * len(SERVICES) + 4  # the held records of each service, and four operations on accounts


def test_new_keys_work_at_once_and_revoked_keys_stop_within_a_second(tenant: Tenant) -> None:
    """The median of three is compared, because one may take longer on a busy machine."""
    lists = {"tracking": "messages", "labeling": "labels", "segmentation": "segments", "workflow": "workflows"}
    took: list[float] = []
    for number in range(3):
        made = tenant.account.post("labeling", "/v1/keys", {"name": f"short {number}", "scopes": ["read"]})
        paths = {service: f"{tenant.account.scene.url(service)}/v1/{name}" for service, name in lists.items()}
        with closing(httpx.Client(headers=bearer(made["key"]), timeout=30)) as http:
            assert {service: http.get(path).status_code for service, path in paths.items()} == dict.fromkeys(lists, 200)
            tenant.account.ask("labeling", "DELETE", f"/v1/keys/{made['id']}")
            revoked_at = monotonic()
            working = dict(paths)
            while working:
                asked_at = monotonic()
                assert asked_at - revoked_at < 10 * SOON, f"still works: {working}"
                working = {service: path for service, path in working.items() if http.get(path).status_code == 200}
            took.append(asked_at - revoked_at)
            assert {http.get(path).status_code for path in paths.values()} == {401}
    assert median(took) < SOON, took
