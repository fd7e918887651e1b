"""The HTTP API of workflows and runs."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.http.keys import generate
from tests.services.workflow.events import CATS, DOGS, GUIDE, LINK, OFFER, REGULARS, assigned, changed, clicked, now
from tests.services.workflow.rig import Rig, key, label
from tests.stack.waiting import until

SEND = {"id": "guide", "send": {"message": str(GUIDE)}}
NURTURED = {"id": "nurtured", "assign_label": {"label": str(CATS)}}
OWN_CLICK = {"on": "ContactClicked", "send": "this_run"}
ANSWER: dict[str, Any] = {
    "id": "answer",
    "wait_for": {"any": [OWN_CLICK], "at_most": {"days": 3}, "then": [NURTURED], "else": [{"exit": {}}]},
}
ON_DOGS = {"on": "LabelAssigned", "label": str(DOGS)}


@pytest.mark.asyncio
async def test_a_workflow_is_created_read_updated_and_deleted(rig: Rig) -> None:
    body = {"name": "Dog lovers", "triggers": [ON_DOGS], "steps": [SEND, {"wait": {"days": 1}}]}
    answer = await rig.http.post("/v1/workflows", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"/v1/workflows/{made['id']}"
    assert (made["version"], made["state"], made["reentry"], made["while_paused"]) == (1, "draft", "once", "queue")
    assert [step["id"] for step in made["steps"]] == ["guide", "wait-1"]
    assert made["uses"] == {"labels": [str(DOGS)], "segments": [], "messages": [str(GUIDE)], "fields": []}

    path = f"/v1/workflows/{made['id']}"
    read = await rig.http.get(path)
    assert read.headers["etag"] == '"1"'
    assert (await rig.http.get(path, headers={"If-None-Match": '"1"'})).status_code == 304

    changed_body = read.json() | {"name": "Dogs and more", "steps": [*read.json()["steps"], NURTURED]}
    put = await rig.http.put(path, json=changed_body, headers={"If-Match": '"1"'})
    assert put.status_code == 200, put.text
    assert (put.json()["version"], put.headers["etag"]) == (2, '"2"')
    assert [step["id"] for step in put.json()["steps"]] == ["guide", "wait-1", "nurtured"]
    assert (await rig.http.put(path, json=changed_body, headers={"If-Match": '"1"'})).status_code == 412
    assert (await rig.call("PUT", path, changed_body))["version"] == 2, "an unchanged definition creates no version"

    versions = await rig.call("GET", f"{path}/versions?limit=1")
    assert [(one["version"], one["name"]) for one in versions["items"]] == [(2, "Dogs and more")]
    versions = await rig.call("GET", f"{path}/versions?cursor={versions['next_cursor']}")
    assert [(one["version"], len(one["steps"])) for one in versions["items"]] == [(1, 2)]
    assert versions["total"] == 2

    listed = await rig.call("GET", "/v1/workflows")
    assert (listed["total"], [item["id"] for item in listed["items"]]) == (1, [made["id"]])
    events = await until(lambda: rig.read("workflow.catalog"))
    assert [(event.event.workflow_version, event.event.state) for event in events] == [(1, "draft"), (2, "draft")]
    assert events[-1].event.uses.labels == (DOGS, CATS)

    await rig.call("DELETE", path, status=204)
    await rig.call("GET", path, status=404)
    await rig.call("DELETE", path, status=404)
    assert (await rig.call("GET", "/v1/workflows"))["items"] == []


@pytest.mark.asyncio
async def test_workflows_are_listed_in_pages(rig: Rig) -> None:
    names = [f"W{number}" for number in range(5)]
    for name in names:
        await rig.workflow(SEND, name=name, activate=False)
    seen: list[str] = []
    path = "/v1/workflows?limit=2"
    cursor = ""
    while cursor is not None:
        page = await rig.call("GET", path + (f"&cursor={cursor}" if cursor else ""))
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == names


@pytest.mark.asyncio
async def test_unknown_references_are_rejected_and_new_ones_are_accepted_at_once(rig: Rig) -> None:
    unknown = str(uuid7())
    body: dict[str, Any] = {
        "name": "Wrong",
        "triggers": [
            {"on": "LabelAssigned", "label": unknown},
            {"on": "SegmentEntered", "segment": unknown},
            {"on": "ContactClicked", "link": unknown},
        ],
        "condition": {"any": [{"segment": unknown}, {"label": {"id": unknown}}]},
        "steps": [
            {"send": {"message": unknown}},
            {"set_field": {"key": "nope", "value": 1}},
            {"set_field": {"key": "city", "value": 1}},
            {"if": {"criterion": {"field": {"key": "city", "less_than": 3}}, "then": [{"exit": {}}]}},
        ],
    }
    problem = await rig.call("POST", "/v1/workflows", body, 422)
    assert {error["pointer"] for error in problem["errors"]} == {
        "/triggers/0/label",
        "/triggers/1/segment",
        "/triggers/2/link",
        "/condition/any/0/segment/id",
        "/condition/any/1/label/id",
        "/steps/0/send/message",
        "/steps/1/set_field/key",
        "/steps/2/set_field/value",
        "/steps/3/if/criterion/field/less_than",
    }
    # Labeling has just created this label: the catalog is read to its end before a reference is rejected.
    await rig.publish(label(UUID(unknown)))
    made = await rig.workflow(SEND, triggers=[{"on": "LabelAssigned", "label": unknown}], activate=False)
    assert made["broken"] == []
    known = await rig.workflow(SEND, triggers=[{"on": "ContactClicked", "link": str(LINK)}], activate=False)
    assert known["triggers"] == [{"on": "ContactClicked", "link": str(LINK)}]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, "/name"),
    ({"steps": [{"sendd": {}}]}, "/steps/0/sendd"),
    ({"colour": 1}, "/colour"),
    ({"condition": {"labl": 1}}, "/condition/labl"),
    ({"max_event_age": {"days": 0}}, "/max_event_age"),
    ({"steps": [{"wait": {}}]}, "/steps/0/wait"),
    ({"steps": [{"wait": {"within": {}}}]}, "/steps/0/wait/within"),
    ({"steps": [{"wait": {"within": {"from": "9:00"}}}]}, "/steps/0/wait/within/from"),
    ({"steps": [{"wait": {"within": {"weekdays": ["monday"]}}}]}, "/steps/0/wait/within/weekdays/0"),
    ({"steps": [{"wait_for": {"at_most": {"days": 1}}}]}, "/steps/0/wait_for"),
    ({"steps": [{"wait_for": {"at_most": {"days": 1}, "criterion": {"labl": 1}}}]}, "/steps/0/wait_for/criterion/labl"),
    ({"steps": [{"split": {"percent": 100}}]}, "/steps/0/split/percent"),
    ({"condition": {"field": {"key": "city", "in": ["a" * 300_000]}}}, ""),
]


@pytest.mark.asyncio
async def test_invalid_definitions_are_rejected_with_pointers(rig: Rig) -> None:
    right = {"name": "W", "triggers": [ON_DOGS], "steps": [SEND]}
    for wrong, pointer in MISTAKES:
        problem = await rig.call("POST", "/v1/workflows", right | wrong, 422)
        assert pointer in {error["pointer"] for error in problem["errors"]}, (wrong, problem)


@pytest.mark.asyncio
async def test_other_accounts_have_no_access_and_read_only_keys_cannot_write(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow({"wait": {"days": 1}})
    await rig.publish(changed(), assigned())
    run = await rig.run(workflow, "running")
    stranger, reader = generate(), generate()
    await rig.publish(key(stranger, account=2), key(reader, scopes=("read",)))
    paths = [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/activate"), ("POST", "/pause"), ("GET", "/runs")]
    calls = [(method, f"/v1/workflows/{workflow['id']}{rest}") for method, rest in paths]
    calls += [("GET", f"/v1/runs/{run['id']}"), ("POST", f"/v1/runs/{run['id']}/cancel")]
    for method, path in calls:
        # The ids in the body belong to the owner; other accounts must not learn whether they exist.
        body = {"name": "W", "triggers": workflow["triggers"], "steps": [{"exit": {}}]}
        await rig.call(method, path, body if method == "PUT" else None, 404, Authorization=f"Bearer {stranger}")
        if method != "GET":
            await rig.call(method, path, body, 403, Authorization=f"Bearer {reader}")
    path = f"/v1/workflows/{workflow['id']}/try"
    await rig.call("POST", path, {"contact_id": 7}, 404, Authorization=f"Bearer {stranger}")
    assert (await rig.run(workflow, "running"))["id"] == run["id"]


@pytest.mark.asyncio
async def test_a_workflow_is_activated_and_paused_idempotently(rig: Rig) -> None:
    workflow = await rig.workflow(SEND, activate=False)
    path = f"/v1/workflows/{workflow['id']}"
    await rig.call("POST", f"{path}/pause", status=409)
    for _ in range(2):
        active = await rig.call("POST", f"{path}/activate")
        assert active["state"] == "active"
        assert active["expects"] == {
            "runs_at_once": 0, "messages_at_once": 0, "runs_a_week": 0, "messages_a_week": 0,
        }  # fmt: skip
    for _ in range(2):
        assert (await rig.call("POST", f"{path}/pause"))["state"] == "paused"
    assert (await rig.call("POST", f"{path}/activate"))["state"] == "active"


@pytest.mark.asyncio
async def test_a_run_is_listed_shown_and_cancelled(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, ANSWER, reentry="every_time")
    event = assigned()
    await rig.publish(changed(), event, correlation=(correlation := uuid7()))
    run = await rig.run(workflow, "running")
    assert run["caused_by"]["event_id"] == str(event.event_id)
    assert run["caused_by"]["correlation_id"] == str(correlation)
    assert run["caused_by"]["label_name"] == "Dogs"
    assert run["waiting"]["until"] > run["waiting"]["since"]
    [asked] = run["caused"]
    assert (asked["type"], asked["step_id"], asked["causation_id"]) == (
        "MessageRequested",
        "guide",
        str(event.event_id),
    )

    listed = await rig.call("GET", f"/v1/workflows/{workflow['id']}/runs?state=running&contact_id=7")
    assert (listed["total"], [one["id"] for one in listed["items"]]) == (1, [run["id"]])
    assert (await rig.call("GET", f"/v1/workflows/{workflow['id']}/runs?state=finished"))["items"] == []
    listed = await rig.call("GET", f"/v1/workflows/{workflow['id']}/runs?step={run['waiting']['step_id']}")
    assert (listed["total"], [one["id"] for one in listed["items"]]) == (None, [run["id"]])
    assert (await rig.call("GET", f"/v1/workflows/{workflow['id']}/runs?step=guide"))["items"] == []
    shown = await rig.call("GET", f"/v1/workflows/{workflow['id']}")
    assert shown["runs"] == {"running": 1}

    for _ in range(2):
        cancelled = await rig.call("POST", f"/v1/runs/{run['id']}/cancel")
        assert (cancelled["state"], cancelled["reason"], cancelled["waiting"]) == ("cancelled", "manually", None)
    await rig.publish(clicked(send=run["id"]))
    await rig.consumed()
    assert (await rig.call("GET", f"/v1/runs/{run['id']}"))["state"] == "cancelled"
    await rig.call("GET", f"/v1/runs/{uuid7()}", status=404)


@pytest.mark.asyncio
async def test_the_cause_of_a_run_keeps_its_own_correlation_id(working: Rig) -> None:
    rig = working
    workflow = await rig.workflow(SEND, ANSWER)
    await rig.publish(changed(), assigned(), correlation=(correlation := uuid7()))
    run = await rig.run(workflow, "running")
    await rig.publish(clicked(send=run["id"]), correlation=uuid7())
    finished = await rig.run(workflow, "finished")
    assert (finished["id"], finished["caused_by"]["correlation_id"]) == (run["id"], str(correlation))


@pytest.mark.asyncio
async def test_trying_on_a_contact_reports_the_steps_without_taking_them(working: Rig) -> None:
    rig = working
    check = {
        "if": {"criterion": {"clicks": {"label": str(DOGS), "at_least": 2}}, "then": [SEND], "else": [{"exit": {}}]}
    }
    workflow = await rig.workflow(
        check, ANSWER, {"send": {"message": str(OFFER)}}, condition={"label": str(DOGS)}, activate=False
    )
    path = f"/v1/workflows/{workflow['id']}/try"
    await rig.call("POST", path, {"contact_id": 7}, 404)
    await rig.publish(changed(), changed(8), clicked(), clicked(), assigned())
    await rig.consumed()

    tried = await rig.call("POST", path, {"contact_id": 7})
    assert (tried["would_start"], tried["outcome"], tried["messages"]) == (True, "exited", 1)
    assert [(step["id"], step["result"].get("branch")) for step in tried["steps"]] == [
        ("if-1", "then"), ("guide", None), ("answer", "else"), ("exit-2", None),
    ]  # fmt: skip
    assert tried["steps"][0]["saw"]["saw"] == {"count": 2}
    assert tried["steps"][2]["at"] > (now() + timedelta(days=2)).isoformat()
    assert "idempotency_key" not in str(tried)

    refused = await rig.call("POST", path, {"contact_id": 8})
    assert (refused["would_start"], refused["reason"]) == (False, "the condition is not true")
    assert refused["condition"]["truth"] is False
    for body in ({}, {"contact_id": 7, "days": 3}, {"days": 0}, {"days": 1000}, {"contact_id": "x"}):
        await rig.call("POST", path, body, 422)
    assert await rig.read("workflow.messages") == []


@pytest.mark.asyncio
async def test_trying_on_past_events_counts_starts_messages_and_branches(working: Rig) -> None:
    rig = working
    long_ago, soon_after = now() - timedelta(days=10), now() - timedelta(days=9)
    for contact in (1, 2, 3):
        await rig.publish(changed(contact, when=long_ago), assigned(contact=contact, when=long_ago))
    await rig.publish(clicked(1, when=soon_after), clicked(2, when=long_ago + timedelta(days=5)))
    await rig.publish(changed(4), changed(5), assigned(contact=4), assigned(contact=5))
    await rig.consumed()
    answer = ANSWER["wait_for"] | {"any": [{"on": "ContactClicked", "label": str(DOGS)}]}
    workflow = await rig.workflow(SEND, {"id": "answer", "wait_for": answer}, activate=False)
    past = await rig.call("POST", f"/v1/workflows/{workflow['id']}/try", {"days": 30})
    assert (past["started"], past["contacts"], past["messages"]) == (5, 5, 5)
    assert past["outcomes"] == {"finished": 1, "exited": 2, "running": 2}
    assert past["branches"] == {"answer": {"then": 1, "else": 2}}
    recent = await rig.call("POST", f"/v1/workflows/{workflow['id']}/try", {"days": 2})
    assert (recent["started"], recent["messages"]) == (2, 2)
    active = await rig.call("POST", f"/v1/workflows/{workflow['id']}/activate")
    assert (active["expects"]["runs_a_week"], active["expects"]["messages_a_week"]) == (2, 2)


@pytest.mark.asyncio
async def test_the_list_shows_which_workflows_a_deletion_has_broken(rig: Rig) -> None:
    await rig.workflow(SEND, condition={"segment": str(REGULARS)}, activate=False)
    await rig.publish(label(DOGS, "deleted"))

    async def broken() -> Any:
        [item] = (await rig.call("GET", "/v1/workflows"))["items"]
        return item["broken"]

    found = await until(broken)
    assert {fault["pointer"] for fault in found} == {"/triggers/0/label", "/condition/segment/id"}
