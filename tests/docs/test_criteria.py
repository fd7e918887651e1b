"""The commands of docs/reference/criteria.md and docs/how-to/utm-parameters.md, as a reader would type them."""

import re
from datetime import UTC, datetime, timedelta

from tests.docs.conftest import Shop, until
from tests.docs.pages import DOCS, blocks, json_values, run_blocks


def test_every_criterion_of_the_page_finds_the_expected_contacts(shop: Shop) -> None:
    made, clicked, asked, attributes, compared, refused, explained, sampled = blocks("reference/criteria.md")
    mark = "echo ----"
    output = run_blocks(
        shop, made, clicked, asked, mark, attributes, compared, mark, refused, mark, explained, mark, sampled
    )
    _, counts, after_refusal, answers, sample = output.split("----\n")
    # Bo was born on February 29: at the end of February, the birthdays of this week include Bo's.
    week = [datetime.now(UTC).date() + timedelta(days=ahead) for ahead in range(7)]
    birthdays = 1 + any((day.month, day.day) in ((2, 28), (2, 29)) for day in week)
    assert [int(line) for line in counts.split()] == [2, 2, 1, 3, 3, 1, 1, birthdays, 1, 1, 2, 2]
    assert after_refusal.split()[-1] == "3"
    counted, listed, explanation, described = json_values(answers)
    assert counted["count"] == listed["total"] == 1
    assert [node["count"] for node in counted["nodes"]] == [1, 2, 2]
    assert counted["took_ms"] > 0
    assert explanation["truth"]
    assert explanation["parts"][0]["saw"]["count"] == 1
    assert described["sentence"] == (
        "Contacten die in de laatste 30 dagen op links met het label “Dogs” hebben geklikt en van wie het e-maildomein "
        "example.com is."
    )
    assert json_values(sample)[0]["total"] in range(4)


def test_utm_parameters_are_in_the_redirect(shop: Shop) -> None:
    rule, click = blocks("how-to/utm-parameters.md")
    page = (DOCS / "how-to" / "utm-parameters.md").read_text()
    [expected] = re.findall(r"```text\n(.*?)\n```", page)
    first = run_blocks(shop, rule, "echo", click, 'echo "$url"').splitlines()
    assert first[-2] in (expected, "https://example.com/dogs?size=l#top")

    def location() -> str | None:
        found = shop.http.get(first[-1], follow_redirects=False).headers["location"]
        return found if found == expected else None

    assert until(location) == expected
