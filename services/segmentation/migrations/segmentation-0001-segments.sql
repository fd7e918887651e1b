-- segments, what was announced of them per slice, snapshots of the image, and who holds which slices
-- depends:

-- migrate: apply

CREATE TABLE segments (
    segment_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    -- The long form, as it was checked when it was written.
    criterion jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE INDEX segments_account ON segments (account_id, segment_id);

-- The day that an account's slice has come to; it only goes forward.
CREATE TABLE slice_days (
    partition smallint NOT NULL,
    account_id integer NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (partition, account_id)
);

-- Where the bitmaps of members stand in the event table; what comes after is in the events.
CREATE TABLE member_positions (
    partition smallint PRIMARY KEY,
    position bigint NOT NULL
);

CREATE TABLE standings (
    partition smallint NOT NULL,
    account_id integer NOT NULL,
    segment_id uuid NOT NULL,
    adopted bytea NOT NULL,
    pending_definition bytea,
    pending_time bytea,
    members bytea,
    PRIMARY KEY (partition, segment_id)
);

-- Roaring bitmaps are compressed already: PostgreSQL need not try.
ALTER TABLE standings
    ALTER COLUMN members SET STORAGE EXTERNAL,
    ALTER COLUMN pending_definition SET STORAGE EXTERNAL,
    ALTER COLUMN pending_time SET STORAGE EXTERNAL;

CREATE TABLE snapshots (
    partition smallint PRIMARY KEY,
    -- Which consumer, which Kafka, which layout of parts: another one cannot use it.
    made_for text NOT NULL,
    offsets jsonb NOT NULL,
    zones jsonb NOT NULL,
    taken_at timestamptz NOT NULL
);

CREATE TABLE snapshot_parts (
    partition smallint NOT NULL,
    account_id integer NOT NULL,
    part text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (partition, account_id, part)
);

ALTER TABLE snapshot_parts ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE slice_owner (
    partition smallint PRIMARY KEY,
    url text NOT NULL,
    epoch bigint NOT NULL
);

-- What the processes of this service show each other when they ask for slices.
CREATE TABLE owner_secret (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    secret text NOT NULL DEFAULT gen_random_uuid()::text || gen_random_uuid()::text
);

INSERT INTO owner_secret DEFAULT VALUES;

-- migrate: rollback

DROP TABLE owner_secret;
DROP TABLE slice_owner;
DROP TABLE snapshot_parts;
DROP TABLE snapshots;
DROP TABLE standings;
DROP TABLE member_positions;
DROP TABLE slice_days;
DROP TABLE segments;
