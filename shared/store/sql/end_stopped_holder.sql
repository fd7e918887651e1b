-- A client that was stopped in the middle of a COPY holds its locks for ever: no timeout of the server fires then.
-- A backend that waits for its client, in a transaction that began that long ago, is taken for such a one.
SELECT pg_terminate_backend(lock.pid)
FROM pg_locks AS lock
JOIN pg_stat_activity AS activity ON activity.pid = lock.pid
WHERE lock.locktype = 'advisory'
  AND lock.granted
  AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND lock.classid = 1
  AND lock.objid::bigint = ($1::bigint & 4294967295)
  AND lock.objsubid = 2
  AND activity.wait_event_type = 'Client'
  AND activity.state_change < clock_timestamp() - $2::interval
