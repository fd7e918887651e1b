"""Errors of the console itself."""


class LinkExpired(Exception):
    """A link to sign in or an invitation was used, has expired or never existed."""


class LastAdmin(Exception):
    """The account would have no administrator left."""


class NotFound(Exception):
    """What was requested does not exist, or belongs to an account of which the person is not a member."""


class SignInFirst(Exception):
    """The invitation is for an existing person, who must sign in first."""
