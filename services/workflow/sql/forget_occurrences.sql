-- What is older than $2, and was decided on by all: a workflow that is paused has yet to look at what came since.
DELETE FROM occurrences
WHERE
    partition = $1
    AND recorded_at < $2
    AND position <= coalesce((SELECT min(b.position) FROM backlog b WHERE b.partition = $1), position)
