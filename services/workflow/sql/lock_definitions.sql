-- While this is held nobody decides, so that "in effect since" has no event on the wrong side of it.
SELECT pg_advisory_xact_lock(2, 0)
