"""Every shell block of the documentation is run by a test, or listed here with the reason why it is not."""

from collections.abc import Mapping

import pytest

from tests.docs.pages import ROOT, shell_blocks

# The test that runs all shell blocks of a page; it contains the name of the page.
RUN_BY: Mapping[str, str] = {
    "README.md": "tests/docs/test_stories.py",
    "docs/how-to/bring-your-own-delivery.md": "tests/docs/test_commands.py",
    "docs/how-to/back-up-and-upgrade.md": "tests/docs/test_operating.py",
    "docs/how-to/follow-label-events.md": "tests/docs/test_commands.py",
    "docs/how-to/import-contacts.md": "tests/docs/test_importing.py",
    "docs/how-to/report-clicks.md": "tests/docs/test_reporting.py",
    "docs/how-to/report-forms-and-surveys.md": "tests/docs/test_reporting.py",
    "docs/how-to/rotate-keys.md": "tests/docs/test_commands.py",
    "docs/how-to/utm-parameters.md": "tests/docs/test_criteria.py",
    "docs/reference/criteria.md": "tests/docs/test_criteria.py",
    "docs/reference/segments.md": "tests/docs/test_stories.py",
    "docs/reference/workflows.md": "tests/docs/test_workflows.py",
    "docs/security.md": "tests/docs/test_commands.py",
    "docs/tutorials/first-campaign.md": "tests/scenarios/test_tutorials.py",
    "docs/tutorials/first-label.md": "tests/docs/test_stories.py",
    "docs/tutorials/first-segment.md": "tests/docs/test_stories.py",
    "docs/tutorials/first-workflow.md": "tests/docs/test_stories.py",
}
# The test that runs a part of a page, and what covers the rest.
PARTLY_RUN: Mapping[str, tuple[str, str]] = {
    "docs/how-to/own-kafka-and-postgresql.md": (
        "tests/docs/test_operating.py",
        "Its servers do not exist and are replaced by the tests'; tests/stack/processes.py starts the other services.",
    ),
    "docs/how-to/see-what-is-wrong.md": (
        "tests/docs/test_operating.py",
        "Kafka loses its data, and is written again by these commands, in tests/deploy/embedded/test_recovery.py.",
    ),
}
# Why no test runs the shell blocks of a page, and what covers them instead.
NOT_RUN: Mapping[str, str] = {
    "docs/explanation/figures.md": "Measures for minutes: `make bench` in parts; tests/bench has what it runs.",
    "docs/how-to/one-machine-with-docker.md": "Needs Docker; tests/compose runs the same commands where it is.",
    "docs/reference/command-line.md": "Generated: how commands are called. tests/deploy/documents keeps it current.",
}


def pages() -> list[str]:
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [str(page.relative_to(ROOT)) for page in found if shell_blocks(str(page.relative_to(ROOT)))]


def test_every_page_with_shell_blocks_is_listed_once() -> None:
    assert sorted([*RUN_BY, *PARTLY_RUN, *NOT_RUN]) == sorted(pages())


@pytest.mark.parametrize(("page", "test"), [*RUN_BY.items(), *((page, test) for page, (test, _) in PARTLY_RUN.items())])
def test_the_listed_test_names_the_page(page: str, test: str) -> None:
    text = (ROOT / test).read_text(encoding="utf-8")
    assert page in text or page.removeprefix("docs/") in text or page.rpartition("/")[2] in text


@pytest.mark.parametrize("reason", [*NOT_RUN.values(), *(reason for _, reason in PARTLY_RUN.values())])
def test_the_paths_in_the_reasons_exist(reason: str) -> None:
    named = [word.strip(".,;") for word in reason.split() if word.startswith("tests/")]
    assert [path for path in named if not (ROOT / path).exists()] == []
