"""The HTTP client of the command line, and its lookup of labels."""

import pytest

from deploy.command_line.client import ApiProblem, Client, Unreachable
from deploy.command_line.labels import Labels, names_in
from deploy.command_line.settings import CommandLineSettings
from tests.deploy.command_line.serving import Answer, Request, served


@pytest.mark.asyncio
async def test_items_reads_all_pages_of_a_list() -> None:
    def answer(request: Request) -> Answer:
        second = "cursor=c1" in request.path
        return Answer(
            200, {"items": [{"n": 2}] if second else [{"n": 0}, {"n": 1}], "next_cursor": None if second else "c1"}
        )

    with served(answer) as settings:
        async with Client(settings) as client:
            assert [item["n"] async for item in client.items("labeling", "/v1/labels")] == [0, 1, 2]


@pytest.mark.asyncio
async def test_an_api_problem_names_the_error_and_its_pointer() -> None:
    problem = {"title": "Not valid", "detail": "the name is taken", "errors": [{"pointer": "/name", "detail": "taken"}]}

    with served(lambda _: Answer(409, problem)) as settings:
        async with Client(settings) as client:
            with pytest.raises(ApiProblem, match=r"409: the name is taken\n  /name: taken"):
                await client.post("labeling", "/v1/labels", {"name": "Dogs"})


@pytest.mark.asyncio
async def test_requests_to_an_unavailable_service_are_retried() -> None:
    requests: list[Request] = []

    def answer(request: Request) -> Answer:
        requests.append(request)
        return Answer(503, {}, {"retry-after": "0"}) if len(requests) < 3 else Answer(200, {"account_id": 1})

    with served(answer) as settings:
        async with Client(settings) as client:
            assert await client.get("labeling", "/v1/account") == {"account_id": 1}
    assert len(requests) == 3


@pytest.mark.asyncio
async def test_a_stopped_service_is_reported_as_unreachable() -> None:
    with served(lambda _: Answer(200)) as stopped:
        url = stopped.url("tracking")
    async with Client(CommandLineSettings(tracking_url=url)) as client:
        with pytest.raises(Unreachable, match=r"tracking at http.* does not answer"):
            await client.get("tracking", "/v1/messages")


@pytest.mark.asyncio
async def test_an_error_that_is_not_problem_json_is_shown_unchanged() -> None:
    with served(lambda _: Answer(500, "all is lost")) as settings:
        async with Client(settings) as client:
            with pytest.raises(ApiProblem, match=r"500: .*all is lost"):
                await client.delete("labeling", "/v1/keys/1")


@pytest.mark.asyncio
async def test_labels_are_found_by_name_or_alias_ignoring_case_and_created_once() -> None:
    created: list[str] = []

    def answer(request: Request) -> Answer:
        if request.method == "POST":
            created.append(request.body["name"])
            return Answer(201, {"id": f"new-{len(created)}", "name": request.body["name"]})
        items = [
            {"id": "1", "name": "Dogs", "aliases": ["Puppies"]},
            {"id": "2", "name": "Cafe\u0301", "aliases": ["dogs"]},
        ]
        return Answer(200, {"items": items, "next_cursor": None})

    with served(answer) as settings:
        async with Client(settings) as client:
            labels = Labels(client)
            await labels.read()
            found = await labels.ids(["dogs", " PUPPIES", "café", "Birds", "birds"])

    assert found == ["1", "2", "new-1"]
    assert labels.created == created == ["Birds"]


def test_names_are_separated_by_commas() -> None:
    assert names_in(" Dogs, Spring sale ,,") == ["Dogs", "Spring sale"]
