"""What is wrong with what somebody sent, for people."""


class InvalidError(ValueError):
    """A value that can't be taken. `pointer` leads from the value that was checked to the part that is wrong."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
