"""The pet shop of the demo, with the console in front of it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.command_line.settings import CommandLineSettings
from deploy.demo.story import played
from deploy.embedded.account import delivery_key
from deploy.embedded.home import Home
from deploy.embedded.ports import free_port
from tests.scenarios.scene import Account, Scene, bearer
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import OPERATOR_KEY

SECRET = "a-secret-of-the-tests-that-is-long-enough"


@dataclass(frozen=True, slots=True)
class Shop:
    """The account of the demo after it was played, the console, and the ids of the shop's objects."""

    console: ServiceProcess
    account: Account
    ids: dict[str, str]

    @property
    def path(self) -> str:
        """The account's first page."""
        return f"/a/{self.account.account_id}/"

    def sign_in_link(self, *accounts: Account) -> str:
        """Return a link for an operator who administers these accounts, by default the shop."""
        keys = [account.key for account in accounts or (self.account,)]
        answer = httpx.post(
            f"{self.console.url}/v1/sign-in-links",
            json={"name": "Lies", "account_keys": keys},
            headers=bearer(OPERATOR_KEY),
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
        link: str = answer.json()["url"]
        return link


def open_console(scene: Scene) -> ServiceProcess:
    """Start the console of these services, with delivery and the inbox where its mails arrive."""
    delivery, inbox = _open_delivery(scene)
    urls = {f"PENCHANT_{name.upper()}_URL": process.url for name, process in scene.services.items()}
    urls["PENCHANT_DELIVERY_URL"] = delivery.url
    console = scene.sandbox.service("console", PENCHANT_CONSOLE_SECRET=SECRET, PENCHANT_INBOX=str(inbox), **urls)
    for process in (delivery, console):
        process.start(ready=False)
    delivery.wait_ready()
    console.wait_ready()
    return console


def _open_delivery(scene: Scene) -> tuple[ServiceProcess, Path]:
    folder, port = Home.at(scene.sandbox.folder / "home").inbox, free_port()
    inbox = ServiceProcess(
        "deploy.embedded.inbox", {}, scene.sandbox.folder / "inbox.log", "PENCHANT_INBOX_PORT", (str(folder), str(port))
    )
    scene.sandbox.processes.append(inbox)
    inbox.start(ready=False)
    key = asyncio.run(delivery_key(scene.url("labeling"), OPERATOR_KEY))
    delivery = scene.sandbox.service(
        "delivery",
        PENCHANT_DELIVERY_KEY=key,
        PENCHANT_SMTP=f"smtp://127.0.0.1:{port}",
        PENCHANT_TRACKING_URL=scene.url("tracking"),
        PENCHANT_PREFERENCES_URL=scene.url("labeling"),
    )
    return delivery, folder


def open_shop(scene: Scene, console: ServiceProcess) -> Shop:
    """Play the demo, with its clicks, labels and workflow, and add a second campaign as a draft."""
    account_id, key, ids = asyncio.run(_play(scene))
    account = Account(scene, account_id, key)
    audience = {
        "include": [{"label": ids["label"]}, {"clicks": {"message": ids["message"]}}],
        "exclude": [{"clicks": {"message": ids["message"], "at_least": 3}}],
    }
    draft = {"name": "Draft", "message_id": ids["arrivals"], "audience": audience, "hold_out_percent": 50}
    ids["draft"] = account.post("segmentation", "/v1/campaigns", draft)["id"]
    return Shop(console, account, ids)


async def _play(scene: Scene) -> tuple[int, str, dict[str, str]]:
    sandbox = scene.sandbox.settings
    settings = CommandLineSettings.model_validate(
        {
            "kafka": sandbox.kafka,
            "topic_prefix": sandbox.topic_prefix,
            "partitions": sandbox.partitions,
            "operator_key": OPERATOR_KEY,
            "home": scene.sandbox.folder / "home",
            **{f"{name}_url": process.url for name, process in scene.services.items()},
        }
    )
    async with played(settings) as story:
        stage = story.stage
        assert stage.segment is not None
        assert stage.workflow is not None
        assert stage.campaign is not None
        ids = {
            "message": stage.newsletter["id"],
            "guide": stage.guide["id"],
            "arrivals": stage.new_arrivals["id"],
            "campaign": stage.campaign["id"],
            "segment": stage.segment["id"],
            "workflow": stage.workflow["id"],
            "label": stage.labels["Dogs"],
            "contact": str(next(iter(stage.contacts))),
        }
        return stage.account_id, stage.api_key, ids
