-- Who decides on events shares this lock; who changes a definition or a state takes it alone (lock_definitions).
SELECT pg_advisory_xact_lock_shared(2, 0)
