-- messages are mails: places of links, subject, text, blocks, senders; messages can be deleted, links corrected
-- depends: tracking-0003-clicks

-- migrate: apply

ALTER TABLE messages ADD COLUMN deleted_at timestamptz; -- its links go on leading on

ALTER TABLE revisions
    -- Where the links of link_ids stand in the HTML; null in a revision that an older process has written.
    ADD COLUMN link_starts integer[],
    ADD COLUMN link_ends integer[],
    ADD COLUMN link_quoted boolean[],
    ADD COLUMN subject text,
    ADD COLUMN subject_variants text, -- JSON: text by variant
    ADD COLUMN preheader text,
    ADD COLUMN sender_id uuid,
    ADD COLUMN reply_to text,
    ADD COLUMN plain_text text,
    ADD COLUMN text_is_made boolean NOT NULL DEFAULT true, -- from the HTML
    ADD COLUMN blocks text; -- JSON: where the blocks stand in the HTML

ALTER TABLE links
    ADD COLUMN tracking text NOT NULL DEFAULT 'auto' CHECK (tracking IN ('auto', 'always', 'never')),
    ADD COLUMN target text, -- where it leads, if that was corrected
    ADD COLUMN written text[] NOT NULL DEFAULT '{}'; -- how its address is written in the HTML of its revisions

CREATE TABLE block_criteria (
    message_id uuid NOT NULL REFERENCES messages,
    block text NOT NULL,
    variant text NOT NULL,
    place smallint NOT NULL,
    criterion text NOT NULL, -- JSON
    PRIMARY KEY (message_id, block, variant)
);

CREATE TABLE senders (
    sender_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    reply_to text,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    version integer NOT NULL
);

CREATE INDEX senders_of_account ON senders (account_id, sender_id);

-- migrate: rollback

DROP TABLE senders;
DROP TABLE block_criteria;
ALTER TABLE links DROP COLUMN tracking, DROP COLUMN target, DROP COLUMN written;
ALTER TABLE revisions
    DROP COLUMN link_starts, DROP COLUMN link_ends, DROP COLUMN link_quoted, DROP COLUMN subject,
    DROP COLUMN subject_variants, DROP COLUMN preheader, DROP COLUMN sender_id, DROP COLUMN reply_to,
    DROP COLUMN plain_text, DROP COLUMN text_is_made, DROP COLUMN blocks;
ALTER TABLE messages DROP COLUMN deleted_at;
