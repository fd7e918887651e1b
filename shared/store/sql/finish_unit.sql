-- NOTIFY takes a lock of the whole cluster at commit, so it is sent once per unit of work, never per row.
SELECT currval('events_position') AS position, pg_notify('events', '')
