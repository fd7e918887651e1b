-- the event table, what of it is published, checkpoints, held records
-- depends:

-- migrate: apply

-- CACHE 1 and drawing under the partition's lock make position order commit order within a partition.
CREATE SEQUENCE events_position CACHE 1;

CREATE TABLE events (
    position bigint NOT NULL DEFAULT nextval('events_position'),
    partition smallint NOT NULL,
    topic text NOT NULL,
    type text NOT NULL,
    event_id uuid NOT NULL,
    account_id integer NOT NULL,
    contact_id bigint,
    key text NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    correlation_id text,
    causation_id text,
    after text NOT NULL,
    trace text,
    body bytea,
    personal bytea,
    PRIMARY KEY (partition, position)
) PARTITION BY RANGE (position);

CREATE INDEX events_personal ON events (account_id, contact_id) WHERE personal IS NOT NULL;

CREATE TABLE publications (
    partition smallint PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
);

CREATE TABLE relay_lease (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    holder uuid,
    renewed_at timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO relay_lease DEFAULT VALUES;

CREATE TABLE bound_cluster (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    cluster_id text NOT NULL,
    partitions smallint NOT NULL
);

CREATE TABLE checkpoints (
    consumer text NOT NULL,
    version integer NOT NULL,
    cluster_id text NOT NULL,
    topic text NOT NULL,
    partition smallint NOT NULL,
    next_offset bigint NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (consumer, version, cluster_id, topic, partition)
);

CREATE TABLE held (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition smallint NOT NULL,
    record_offset bigint NOT NULL,
    key bytea,
    value bytea,
    headers bytea NOT NULL,
    account_id integer,
    contact_id bigint,
    state text NOT NULL CHECK (state IN ('waiting', 'failed', 'ready', 'dead')),
    reason text NOT NULL,
    waits_for text[] NOT NULL DEFAULT '{}',
    held_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz
);

CREATE INDEX held_waiting ON held USING gin (waits_for) WHERE state = 'waiting';
CREATE INDEX held_expiring ON held (expires_at) WHERE state = 'waiting';
CREATE INDEX held_moving ON held (consumer, state, id) WHERE state IN ('ready', 'dead');
CREATE INDEX held_failed ON held (consumer, topic, partition, account_id, contact_id) WHERE state IN ('failed', 'ready');

-- migrate: rollback

DROP TABLE held;
DROP TABLE checkpoints;
DROP TABLE bound_cluster;
DROP TABLE relay_lease;
DROP TABLE publications;
DROP TABLE events;
DROP SEQUENCE events_position;
