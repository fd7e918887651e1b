-- contacts' addresses, and one row for each mail from its request to its end
-- depends:

-- migrate: apply

CREATE TABLE contacts (
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    email text,
    subscription text NOT NULL,
    language text,
    fields jsonb NOT NULL,
    PRIMARY KEY (account_id, contact_id)
);

CREATE TABLE mails (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id integer NOT NULL,
    idempotency_key text NOT NULL,
    contact_id bigint,                      -- null for a test mail to an address
    test_address text,                      -- of a test mail; forgotten when it has ended
    message_id uuid,                        -- null for a mail of Penchant's own
    system jsonb,
    send jsonb NOT NULL,
    campaign_id uuid,
    revision integer,
    content jsonb NOT NULL,
    expires_at timestamptz,
    requested_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'begun', 'sent', 'bounced', 'refused', 'skipped', 'uncertain')),
    claim uuid,                             -- who works on it
    claimed_until timestamptz,
    next_attempt_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    reason text,                            -- of a mail that was skipped or refused, or of its last attempt
    ended_at timestamptz,
    reported boolean NOT NULL DEFAULT false,
    UNIQUE (account_id, idempotency_key)
);

CREATE INDEX mails_queued ON mails (next_attempt_at, id) WHERE state = 'queued';
CREATE INDEX mails_begun ON mails (claimed_until) WHERE state = 'begun';
CREATE INDEX mails_not_reported ON mails (id) WHERE NOT reported AND ended_at IS NOT NULL;
CREATE INDEX mails_of_contact ON mails (account_id, contact_id);

-- migrate: rollback

DROP TABLE mails;
DROP TABLE contacts;
