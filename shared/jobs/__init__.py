"""Work on many rows in the background: leased, resumable, fair between accounts, cancellable.

A service registers a `JobKind` for each kind of work and runs a `JobRunner` in its workers. `enqueue` puts a job in
line within the transaction of whoever needs it done.
"""
