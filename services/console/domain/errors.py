"""Errors of the console itself."""


class LinkExpired(Exception):
    """A link to sign in or an invitation was used, has expired or never existed."""


class LastAdmin(Exception):
    """The account would have no administrator left."""


class NotAMember(Exception):
    """The person does not belong to the account, or the account does not exist."""


class SignInFirst(Exception):
    """The invitation is for an existing person, who must sign in first."""
