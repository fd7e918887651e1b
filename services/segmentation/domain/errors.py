"""Errors of use cases; the API maps them to problems."""


class Refusal(Exception):
    """A request cannot be carried out; the text says why."""


class NotFound(Refusal):
    """The thing does not exist in the account."""


class LimitReached(Refusal):
    """The account has reached a limit."""


class Conflict(Refusal):
    """The state of the thing does not allow this."""


class TooMany(Refusal):
    """The account has too many concurrent requests or streams; a later retry may succeed."""


class SlicesUnavailable(Refusal):
    """No process serves part of the contacts at the moment."""
