"""Every advisory lock that a service takes in its database: one class each, so that they cannot collide.

PostgreSQL's advisory locks have two numbers: a class from this list, and a number within the class. Locks are taken in
this order: partition numbers, ascending, the catalog (-1) first; then rows of `held` by id; then
answers of requests, sorted. A lock of another class is the only one that its transaction takes, or its first one.
"""

from enum import IntEnum, unique


@unique
class LockClass(IntEnum):
    """The first number of an advisory lock, with what the second one is."""

    PARTITION = 1  # a partition number of contacts, or -1 for the catalog
    WORKFLOW_DEFINITIONS = 2  # 0: who writes definitions, or reads them to decide
    EVENT_TABLES = 3  # 0: who creates the next tables of events


# All who migrate a database take this lock, for the session: several processes of a service start at once.
MIGRATIONS = 0x50454E43
