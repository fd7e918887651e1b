"""Normalizes URLs for comparison: one spelling, without parameters that only count visits."""

import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

# Names of query parameters that record where a visitor came from and do not change the target.
_CAMPAIGN_PARAMETER = re.compile(
    r"(?:utm|mtm|pk|piwik|matomo|trk|vero|oly|hsa|mc|_hs|__hs)_\w+|_?hsenc|_hsmi|_ke|_kx|mkt_tok|[gd]clid|gclsrc|fbclid"
    r"|msclkid|yclid|[gw]braid|igshid|twclid|ttclid|li_fat_id|s_cid|epik|dm_i|elq\w*|sc_src|sc_lid|ss_email_id",
    re.IGNORECASE,
)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


def in_one_spelling(url: str) -> str:
    """Return `url` with its host in lower case, without the default port, and with a path.

    A text that is not a URL with a host is returned unchanged.
    """
    parts = _split(url)
    if parts is None or not parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=_host(parts), path=parts.path or "/"))


def without_campaign(url: str) -> str:
    """Return `url` in one spelling, as https, without campaign parameters, and without a slash at the end of its path.

    URLs with the same result count as the same target.
    """
    text = in_one_spelling(url)
    parts = _split(text)
    if parts is None:
        return text
    query = "&".join(
        pair for pair in parts.query.split("&") if not _CAMPAIGN_PARAMETER.fullmatch(pair.partition("=")[0])
    )
    scheme = "https" if parts.scheme == "http" else parts.scheme
    return urlunsplit(parts._replace(scheme=scheme, path=parts.path.rstrip("/"), query=query))


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _host(parts: SplitResult) -> str:
    user, at, host = parts.netloc.rpartition("@")
    return user + at + host.lower().removesuffix(_DEFAULT_PORT.get(parts.scheme, ":"))
