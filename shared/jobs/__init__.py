"""Work on many rows in the background: leased, resumable, fair between accounts, cancellable.

A service registers a `JobKind` for each kind of work and runs a `JobRunner` in its workers. `enqueue` adds a job in the
caller's transaction.
"""
