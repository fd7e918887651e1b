"""Judging a click: a person's, a machine's, or not sure.

A verdict is a projection: `Evidence` is kept with the click, so that it can be judged again when more is known.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from shared.events.parts import Verdict

_LITERAL = re.compile(r"(?:[^\\.^$*+?{}\[\]|()]|\\[^A-Za-z0-9])+")


class Evidence(NamedTuple):
    """What a click is judged on. Header names are lower-case."""

    user_agent: str | None = None
    method: str | None = None
    headers: Mapping[str, str] | None = None
    hint: Verdict | None = None


class Judgement(NamedTuple):
    """`reasons` is empty for a human click unless something spoke against it."""

    verdict: Verdict
    reasons: tuple[str, ...]


HUMAN = Judgement("human", ())


def judge(evidence: Evidence) -> Judgement:
    """The verdict on a click by what is known about it now.

    Reasons: `crawler` (a crawler, scanner, link preview or program by its user agent), `prefetch` (fetched before
    anybody clicked), `head` (asked for the headers only), `hint` (whoever reported the click says so).
    """
    reasons = []
    if evidence.user_agent is not None and is_crawler(evidence.user_agent):
        reasons.append("crawler")
    if evidence.headers and _is_prefetch(evidence.headers):
        reasons.append("prefetch")
    if evidence.method is not None and evidence.method.upper() == "HEAD":
        reasons.append("head")
    if evidence.hint == "machine":
        reasons.append("hint")
    if reasons:
        return Judgement("machine", tuple(reasons))
    return Judgement("unsure", ("hint",)) if evidence.hint == "unsure" else HUMAN


def _is_prefetch(headers: Mapping[str, str]) -> bool:
    return "prefetch" in headers.get("sec-purpose", "").lower() or "prefetch" in headers.get("purpose", "").lower()


@lru_cache(maxsize=20_000)
def is_crawler(user_agent: str) -> bool:
    """Whether the user agent is one of the `crawler-user-agents` list. About 60 µs for one not seen lately."""
    return any(literal in user_agent for literal in _LITERALS) or _EXPRESSIONS.search(user_agent) is not None


def _sorted_out() -> tuple[tuple[str, ...], re.Pattern[str]]:
    """The patterns that are plain text, and all others as one expression.

    Nearly all are plain text, and looking for each is ten times as fast as one alternation of 1,500.
    """
    patterns = [str(crawler["pattern"]) for crawler in CRAWLER_USER_AGENTS_DATA]
    plain = {pattern for pattern in patterns if _LITERAL.fullmatch(pattern)}
    literals = tuple(re.sub(r"\\(.)", r"\1", pattern) for pattern in patterns if pattern in plain)
    return literals, re.compile("|".join(pattern for pattern in patterns if pattern not in plain))


_LITERALS, _EXPRESSIONS = _sorted_out()
