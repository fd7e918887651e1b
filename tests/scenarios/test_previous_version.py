"""During an upgrade, services of the previous version work on databases that the current version has migrated."""

import asyncio
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.conftest import TestKafka, TestPostgres
from tests.scenarios.scene import SERVICES, Account, Scene
from tests.shared.store.previous_version import extract, kept_commit
from tests.stack.processes import start_all
from tests.stack.sandbox import Sandbox
from tests.stack.waiting import until_equal

SESSION = "10"  # seconds until the group removes a stopped member; the process that replaces it is a new member
REPLACED = ("labeling", "tracking", "segmentation", "workflow")  # in the order that the how-to page recommends


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """Provide the code of the previous version; skip the test in a clone without history."""
    folder = tmp_path / "previous"
    folder.mkdir()
    try:
        extract(kept_commit(), folder)
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("git does not have the previous version; test_previous_version.py of shared/store covers it")
    return folder


class Story:
    """Clicks on a labelled link by a contact, and the effects of each click in every service."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._clicks = 0
        self._dogs, self._welcome = account.labels("Dogs", "Welcome")
        (self._contact,) = account.contacts(1)
        message = account.message('<a href="https://shop.example/dogs">Puppy food</a>')
        (link,) = message["links"]
        account.ask("tracking", "PUT", f"/v1/messages/{message['id']}/links/{link['id']}/labels", {
            "label_ids": [self._dogs]
        })  # fmt: skip
        criterion = {"clicks": {"label": self._dogs, "at_least": 2}}
        body = {"name": "Often", "criterion": criterion}
        self._segment = account.post("segmentation", "/v1/segments", body)["id"]
        definition = {
            "name": "Welcome",
            "triggers": [{"on": "LabelAssigned", "label": self._dogs}],
            "steps": [{"assign_label": {"label": self._welcome}}],
        }
        self._workflow = account.post("workflow", "/v1/workflows", definition)["id"]
        account.post("workflow", f"/v1/workflows/{self._workflow}/activate")
        self._token = account.tokens(message["id"], [self._contact])[self._contact]["token"]

    def click(self) -> None:
        """Click on the link as a browser does, and wait until every service has processed the click."""
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        headers = {"User-Agent": agent, "Accept-Language": "en", "Accept": "text/html"}
        answer = httpx.get(f"{self._account.scene.url('tracking')}/c/{self._token}.1", headers=headers, timeout=30)
        assert answer.status_code == 302, answer.text
        self._clicks += 1
        expected = self._clicks, True, int(self._clicks >= 2), 1
        asyncio.run(until_equal(lambda: asyncio.to_thread(self._seen), expected, 120))

    def _seen(self) -> tuple[int, bool, int, int]:
        """Return the counted clicks, whether the workflow assigned its label, the segment's size, and the runs."""
        labels = self._account.get("labeling", f"/v1/contacts/{self._contact}/labels")["items"]
        held = {item["label_id"]: item for item in labels}
        members = self._account.get("segmentation", f"/v1/segments/{self._segment}/members")["items"]
        runs = self._account.get("workflow", f"/v1/workflows/{self._workflow}/runs")["items"]
        clicks = held[self._dogs]["clicks"] if self._dogs in held else 0
        return clicks, self._welcome in held, len(members), len(runs)


@pytest.mark.timeout(400)
def test_clicks_are_processed_while_services_are_upgraded_one_by_one(
    kafka: TestKafka, postgres: TestPostgres, tmp_path: Path, previous: Path
) -> None:
    sandbox = Sandbox(kafka, postgres, tmp_path)  # its databases have the tables of the current version
    try:
        services = {
            name: sandbox.service_of(previous, name, PENCHANT_KAFKA_SESSION_TIMEOUT=SESSION) for name in SERVICES
        }
        start_all(services.values())
        with Account.open(Scene(sandbox, services), "Upgrading") as account:
            story = Story(account)
            story.click()
            for name in REPLACED:
                assert services[name].terminate() == 0, services[name].tail()
                services[name] = sandbox.service(name, PENCHANT_KAFKA_SESSION_TIMEOUT=SESSION).start()
                story.click()
    finally:
        sandbox.clear()
