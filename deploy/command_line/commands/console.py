"""The command `console`: a link that signs in to the console."""

import getpass
from collections.abc import Sequence

import httpx

from deploy.command_line.client import ApiProblem, Unreachable
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import AsJson, fail, run, say, write_json


async def sign_in_link(settings: CommandLineSettings, account_keys: Sequence[str] = ()) -> str:
    """Return a link that signs the operator in once, as administrator of the accounts of `account_keys` (admin keys).

    Raises NothingRuns, Unreachable, ApiProblem.
    """
    url = settings.console()
    operator_key = "" if settings.operator_key is None else settings.operator_key.get_secret_value()
    body = {"name": getpass.getuser()[:80], "account_keys": list(account_keys)}
    async with httpx.AsyncClient(timeout=30) as client:
        try:
            answer = await client.post(
                f"{url}/v1/sign-in-links", json=body, headers={"Authorization": f"Bearer {operator_key}"}
            )
        except httpx.HTTPError as error:
            raise Unreachable(f"The console at {url} does not answer: {error!r}") from error
    if answer.is_error:
        is_json = "json" in answer.headers.get("content-type", "")
        raise ApiProblem(answer.status_code, answer.json() if is_json else {"detail": answer.text[:500]})
    link: str = answer.json()["url"]
    return link


def console(as_json: AsJson = False) -> None:
    """Print a link that signs in to the console. It works once, within an hour."""

    async def command() -> None:
        settings = CommandLineSettings.read()
        if settings.operator_key is None:
            fail(
                "Only the operator gets a link without an invitation: set PENCHANT_OPERATOR_KEY to the "
                "console's operator key."
            )
        keys = [] if settings.api_key is None else [settings.api_key.get_secret_value()]
        link = await sign_in_link(settings, keys)
        if as_json:
            write_json({"url": link})
        else:
            say(link)

    run(command())
