"""Errors of the domain. The API maps them to HTTP problems, consumers to dead letters."""


class InvalidError(ValueError):
    """A value that cannot be accepted. `pointer` is a JSON pointer from that value to its invalid part."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class NotFoundError(LookupError):
    """An object does not exist in the account; `kind` names its kind, such as `contact`."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"There is no such {kind}.")
        self.kind = kind


class ConflictError(ValueError):
    """The value at `pointer` is unique and already used by something else."""

    def __init__(self, summary: str, pointer: str, detail: str) -> None:
        super().__init__(summary)
        self.summary = summary
        self.pointer = pointer
        self.detail = detail


class TooLargeError(ValueError):
    """A limit is exceeded; the message says which."""


class StateError(ValueError):
    """The state of an object does not allow the operation; the message names the state."""


class LimitError(ValueError):
    """The account has reached its limit of `things`."""

    def __init__(self, things: str, most: int) -> None:
        super().__init__(f"The account has {most} {things}, which is the limit.")
