-- an index by state: held records are listed and counted without reading those in another state
-- depends: runtime-0004-jobs

-- migrate: apply

CREATE INDEX held_by_state ON held (state, id) INCLUDE (topic);

-- migrate: rollback

DROP INDEX held_by_state;
