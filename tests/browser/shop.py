"""The pet shop of the demo, with the console in front of it."""

import asyncio
from dataclasses import dataclass

import httpx

from deploy.command_line.settings import CommandLineSettings
from deploy.demo.story import played
from tests.scenarios.scene import Account, Scene, bearer
from tests.stack.ground import OPERATOR_KEY
from tests.stack.processes import ServiceProcess

SECRET = "a-secret-of-the-tests-that-is-long-enough"


@dataclass(frozen=True, slots=True)
class Shop:
    """The account of the demo after it was played, the console, and what the shop calls its things."""

    console: ServiceProcess
    account: Account
    ids: dict[str, str]

    @property
    def path(self) -> str:
        """The account's first page."""
        return f"/a/{self.account.account_id}/"

    def sign_in_link(self, *accounts: Account) -> str:
        """Return a link for an operator who administers these accounts, the shop if none is named."""
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
    """Start the console of these services."""
    urls = {f"PENCHANT_{name.upper()}_URL": process.url for name, process in scene.services.items()}
    console = scene.ground.service("console", PENCHANT_CONSOLE_SECRET=SECRET, **urls)
    return console.start()


def open_shop(scene: Scene, console: ServiceProcess) -> Shop:
    """Play the demo: people have clicked, labels have followed, a workflow runs."""
    account_id, key, ids = asyncio.run(_play(scene))
    return Shop(console, Account(scene, account_id, key), ids)


async def _play(scene: Scene) -> tuple[int, str, dict[str, str]]:
    ground = scene.ground.settings
    settings = CommandLineSettings.model_validate(
        {
            "kafka": ground.kafka,
            "topic_prefix": ground.topic_prefix,
            "partitions": ground.partitions,
            "operator_key": OPERATOR_KEY,
            **{f"{name}_url": process.url for name, process in scene.services.items()},
        }
    )
    async with played(settings) as story:
        stage = story.stage
        assert stage.segment is not None
        assert stage.workflow is not None
        ids = {
            "message": stage.newsletter["id"],
            "guide": stage.guide["id"],
            "segment": stage.segment["id"],
            "workflow": stage.workflow["id"],
            "label": stage.labels["Dogs"],
            "contact": str(next(iter(stage.contacts))),
        }
        return stage.account_id, stage.api_key, ids
