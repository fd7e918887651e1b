-- Ends stopped transactions that block others.

-- name: end_stopped_holders
-- A client that was stopped in the middle of a COPY holds its locks for ever, because no timeout of the server applies.
-- A backend that waits for its client since a statement that began so long ago is assumed to be in this state.
SELECT pg_terminate_backend(activity.pid)
FROM pg_stat_activity AS activity
WHERE activity.datname = current_database()
  AND activity.application_name = :application
  AND activity.state <> 'idle'
  AND activity.wait_event_type = 'Client'
  AND activity.state_change < clock_timestamp() - :stopped_for::interval
