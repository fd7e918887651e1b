"""The advisory locks of a service's database, each with a class of its own so that they cannot collide.

PostgreSQL's advisory locks have two numbers: a class from this list, and a number within the class. Locks are taken in
this order: partition numbers, ascending, the catalog (-1) first; then rows of `held` by id; then answers of requests,
sorted. A lock of any other class is the only lock of its transaction, or the first one.
"""

from enum import IntEnum, unique


@unique
class LockClass(IntEnum):
    """The first number of an advisory lock; comments say what the second number is."""

    PARTITION = 1  # a partition number of contacts, or -1 for the catalog
    WORKFLOW_DEFINITIONS = 2  # 0: transactions that write definitions, or read them to decide
    EVENT_TABLES = 3  # 0: transactions that create partitions of the event table


# Taken for the session while migrating, because several processes of a service may start at once.
MIGRATIONS = 0x50454E43
