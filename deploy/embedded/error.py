"""What stops the embedded stack from starting, in words for the person at the terminal."""


class StackError(Exception):
    """The embedded stack cannot start or go on; the message says why and what to do. Data folders are untouched."""
