"""UTM parameters, by which an account's web analytics recognises the mail that a visitor comes from."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote_plus

from services.tracking.domain.merge_tags import has_merge_tag
from shared.events.labeling import UtmRule
from shared.events.parts import Send

_PLACEHOLDER = re.compile(r"\{(send_id|send_kind|message_name)\}")


@dataclass(frozen=True, slots=True)
class UtmTarget:
    """A target with appended parameters, prepared once per link.

    The value of `utm_campaign` is between `before` and `after`. If there is no value, the target is `plain`.
    """

    plain: str
    before: str
    after: str
    campaign: str | None
    message_name: str

    def location(self, send: Send | None) -> str:
        """Return the target for a recipient of `send`."""
        if self.campaign is None:
            return self.plain
        send_id, send_kind = (None, None) if send is None else (send.id, send.kind)
        value = _campaign(self.campaign, self.message_name, send_id, send_kind)
        return f"{self.before}{value}{self.after}" if value else self.plain


def utm_target(location: str, rule: UtmRule, message_name: str) -> UtmTarget | None:
    """Return a target with the parameters of `rule`; None if none are appended.

    Parameters are appended to the query, before the fragment. A parameter that the target already has is not appended
    again. A target with a merge tag is left unchanged: only the sender knows where its query ends.
    """
    if has_merge_tag(location):
        return None
    target, hash_sign, fragment = location.partition("#")
    address, _, query = target.partition("?")
    present = {unquote_plus(pair.partition("=")[0]).lower() for pair in query.split("&")}
    fixed = [
        f"{name}={quote(value, safe='')}"
        for name, value in (("utm_source", rule.source), ("utm_medium", rule.medium))
        if value and name not in present
    ]
    campaign = rule.campaign if "utm_campaign" not in present else None
    if not fixed and not campaign:
        return None
    separator = "" if not query or query.endswith("&") else "&"
    end = hash_sign + fragment
    with_fixed = f"{address}?{query}{separator}{'&'.join(fixed)}"
    plain = with_fixed + end if fixed else location
    before = f"{with_fixed}{'&' if fixed else ''}utm_campaign="
    return UtmTarget(plain, before, end, campaign or None, message_name)


@lru_cache(maxsize=10_000)
def _campaign(pattern: str, message_name: str, send_id: str | None, send_kind: str | None) -> str:
    """Return the encoded value of `utm_campaign`; empty if it refers to a send and there is none."""
    values = {"send_id": send_id, "send_kind": send_kind, "message_name": message_name}
    referenced = [values[name] for name in _PLACEHOLDER.findall(pattern)]
    if None in referenced:
        return ""
    return quote(_PLACEHOLDER.sub(lambda match: values[match[1]] or "", pattern), safe="")
