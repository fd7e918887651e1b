"""Why a use case refuses; the API makes problems of these."""


class Refusal(Exception):
    """Something that the caller asked for is not possible; the text says why."""


class NotFound(Refusal):
    """The account has no such thing."""


class LimitReached(Refusal):
    """The account has as many of these as it may have."""


class Conflict(Refusal):
    """The thing is not in a state in which this is possible."""


class TooMany(Refusal):
    """The account has as many of these at work as it may have; later it is possible again."""


class SlicesUnavailable(Refusal):
    """No process serves part of the contacts at the moment."""
