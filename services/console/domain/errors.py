"""Errors of the console itself."""


class LinkExpired(Exception):
    """A link to sign in or an invitation was used, has expired or never existed."""


class LastAdmin(Exception):
    """An account would be left without anybody who may administer it."""


class NotAMember(Exception):
    """The person does not belong to the account, as far as anybody may tell."""


class SignInFirst(Exception):
    """An invitation is to an address of somebody who exists already, and nobody is signed in."""
