"""What is wrong with a definition, and where."""

from shared.criteria import Fault


class InvalidDefinition(Exception):
    """The definition cannot be used; `faults` say why, each with a JSON pointer from the definition's root."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in faults))
        self.faults = faults
