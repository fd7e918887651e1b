-- first answers to requests with an Idempotency-Key, kept for a day
-- depends: runtime-0001-events

-- migrate: apply

CREATE TABLE idempotency_answers (
    account_id integer NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    claim uuid NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    took_effect boolean NOT NULL DEFAULT false,
    status smallint,
    headers jsonb,
    body bytea,
    contact_ids bigint[],
    blanked boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account_id, path, key)
);

CREATE INDEX idempotency_answers_claimed_at ON idempotency_answers (claimed_at);

-- migrate: rollback

DROP TABLE idempotency_answers;
