-- clicks as they came, which of them were seen, and their counts
-- depends: tracking-0002-contacts

-- migrate: apply

CREATE TABLE sources (
    source_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL UNIQUE
);

CREATE TABLE click_seen (
    account_id integer NOT NULL,
    source_no integer NOT NULL,
    key uuid NOT NULL, -- the click's id if it is a UUID, else 16 bytes of a hash
    PRIMARY KEY (account_id, source_no, key)
);

CREATE TABLE sends (
    send_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id integer NOT NULL,
    message_no integer NOT NULL REFERENCES messages (message_no),
    kind text NOT NULL,
    id text NOT NULL,
    sent_at timestamptz NOT NULL,
    UNIQUE (message_no, kind, id)
);

CREATE INDEX sends_of_account ON sends (account_id, id);

-- No foreign keys here: they would cost more than the row itself.
CREATE TABLE clicks (
    click_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    message_no integer NOT NULL,
    link_number integer NOT NULL,
    send_no integer NOT NULL, -- 0: of no send
    occurred_at timestamptz NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('human', 'machine', 'unsure')),
    reasons text[] NOT NULL,
    method text,
    hint text,
    user_agent text,
    ip text,
    headers text -- JSON
);

CREATE INDEX clicks_of_contact ON clicks (account_id, contact_id);
CREATE INDEX clicks_by_time ON clicks (account_id, occurred_at);
CREATE INDEX clicks_of_message ON clicks (message_no, link_number, send_no, contact_id) INCLUDE (verdict);

CREATE TABLE click_counts (
    message_no integer NOT NULL,
    link_number integer NOT NULL,
    send_no integer NOT NULL,
    verdict text NOT NULL,
    clicks bigint NOT NULL,
    PRIMARY KEY (message_no, link_number, send_no, verdict)
);

-- migrate: rollback

DROP TABLE click_counts;
DROP TABLE clicks;
DROP TABLE sends;
DROP TABLE click_seen;
DROP TABLE sources;
