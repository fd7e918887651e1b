-- What keeps a service's transactions going.

-- name: end_stopped_holders
-- A client that was stopped in the middle of a COPY holds its locks for ever: no timeout of the server fires then.
-- A backend that waits for its client, since a statement that began that long ago, is taken for such a one.
SELECT pg_terminate_backend(activity.pid)
FROM pg_stat_activity AS activity
WHERE activity.datname = current_database()
  AND activity.application_name = :application
  AND activity.state <> 'idle'
  AND activity.wait_event_type = 'Client'
  AND activity.state_change < clock_timestamp() - :stopped_for::interval
