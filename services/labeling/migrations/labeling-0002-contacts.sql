-- contacts, the directory of their addresses and external ids, and who was erased
-- depends: labeling-0001-accounts

-- migrate: apply

CREATE TABLE contacts (
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    external_id text,
    email text,
    email_key text,
    fields jsonb NOT NULL DEFAULT '{}',
    subscription text NOT NULL,
    tracking_consent text NOT NULL,
    source text,
    language text,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, contact_id)
);

-- Who has an address or an external id. An entry is made before its contact, in a transaction of its own; one whose
-- contact never came (the process died between the two) may be taken over.
CREATE TABLE directory (
    account_id integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('email', 'external')),
    key text NOT NULL,
    contact_id bigint NOT NULL,
    PRIMARY KEY (account_id, kind, key)
);

CREATE INDEX directory_contact ON directory (account_id, contact_id);

CREATE TABLE erased_contacts (
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, contact_id)
);

-- migrate: rollback

DROP TABLE erased_contacts;
DROP TABLE directory;
DROP TABLE contacts;
