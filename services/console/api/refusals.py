"""Translates a service's description of an invalid value into the language of the page."""

import re

from services.console.api.languages import _, counted


def refusal(detail: str) -> str:
    """Return a service's description of a fault in the words of the console; unknown descriptions unchanged."""
    if detail in ("Field required", "String should have at least 1 character"):
        return _("Fill this in.")
    if re.match(r"(List|Tuple) should have at least 1 item", detail):
        return _("Choose at least one.")
    if detail.startswith("Input should be a valid UUID"):
        return _("Choose one.")
    if detail.removeprefix("is ").startswith("not an e-mail address"):
        return _("This is not an e-mail address.")
    if longest := re.fullmatch(r"String should have at most (\d+) characters?", detail):
        return counted("At most %(num)s character.", "At most %(num)s characters.", int(longest[1]))
    if limit := re.fullmatch(r"Input should be (less|greater) than or equal to (\S+)", detail):
        is_maximum = limit[1] == "less"
        return _("At most %(number)s.", number=limit[2]) if is_maximum else _("At least %(number)s.", number=limit[2])
    return detail
