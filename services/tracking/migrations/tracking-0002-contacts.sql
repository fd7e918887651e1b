-- what tracking needs to know of contacts: who there is, and whose clicks are not to be kept
-- depends: tracking-0001-messages

-- migrate: apply

CREATE TABLE contacts (
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'merged', 'erased')),
    tracked boolean NOT NULL, -- false: the contact has denied its consent
    merged_into bigint,
    email_digest uuid, -- the first 16 bytes of a SHA-256: enough to find a contact, not to write to it
    external_digest uuid,
    sequence bigint NOT NULL, -- of the event that said so
    PRIMARY KEY (account_id, contact_id)
);

CREATE INDEX contacts_by_email ON contacts (account_id, email_digest) WHERE email_digest IS NOT NULL;
CREATE INDEX contacts_by_external_id ON contacts (account_id, external_digest) WHERE external_digest IS NOT NULL;

-- Counts what was learned of contacts, by partition number: who finds it unchanged need not look at them again.
CREATE TABLE contact_news (
    partition smallint PRIMARY KEY,
    batches bigint NOT NULL
);

-- migrate: rollback

DROP TABLE contact_news;
DROP TABLE contacts;
