"""The error that stops the embedded stack, with a message for the user."""


class StackError(Exception):
    """The embedded stack cannot start or continue; the message says why and what to do. Data folders are unchanged."""
