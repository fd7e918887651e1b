-- words by which contacts are found, and contacts by their last change
-- depends: labeling-0010-exports

-- migrate: apply

-- Kept by triggers, for whole statements at a time: whoever writes contacts need not know of it.
CREATE TABLE contact_words (
    account_id integer NOT NULL,
    word text COLLATE "C" NOT NULL,
    contact_id bigint NOT NULL,
    PRIMARY KEY (account_id, word, contact_id)
);

CREATE FUNCTION contact_words_of(address text, external_id text, fields jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE AS $$
    SELECT DISTINCT left(token, 100)
    FROM (
        SELECT lower(address) AS token
        UNION ALL
        SELECT lower(external_id)
        UNION ALL
        SELECT regexp_split_to_table(lower(value #>> '{}'), '\s+')
        FROM jsonb_each(fields)
        WHERE jsonb_typeof(value) = 'string' AND value #>> '{}' !~ '^\d{4}-\d{2}-\d{2}$'
    ) AS tokens
    WHERE token <> ''
    LIMIT 50
$$;

CREATE FUNCTION keep_contact_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM contact_words AS stored
        USING before_rows AS row, contact_words_of(row.email_key, row.external_id, row.fields) AS own (word)
        WHERE stored.account_id = row.account_id AND stored.word = own.word AND stored.contact_id = row.contact_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO contact_words (account_id, word, contact_id)
        SELECT row.account_id, own.word, row.contact_id
        FROM after_rows AS row, contact_words_of(row.email_key, row.external_id, row.fields) AS own (word)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER contacts_inserted AFTER INSERT ON contacts
REFERENCING NEW TABLE AS after_rows
FOR EACH STATEMENT EXECUTE FUNCTION keep_contact_words();

CREATE TRIGGER contacts_updated AFTER UPDATE ON contacts
REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
FOR EACH STATEMENT EXECUTE FUNCTION keep_contact_words();

CREATE TRIGGER contacts_deleted AFTER DELETE ON contacts
REFERENCING OLD TABLE AS before_rows
FOR EACH STATEMENT EXECUTE FUNCTION keep_contact_words();

INSERT INTO contact_words (account_id, word, contact_id)
SELECT contact.account_id, own.word, contact.contact_id
FROM contacts AS contact, contact_words_of(contact.email_key, contact.external_id, contact.fields) AS own (word);

CREATE INDEX contacts_changed ON contacts (account_id, changed_at, contact_id);

-- migrate: rollback

DROP INDEX contacts_changed;
DROP TRIGGER contacts_deleted ON contacts;
DROP TRIGGER contacts_updated ON contacts;
DROP TRIGGER contacts_inserted ON contacts;
DROP FUNCTION keep_contact_words;
DROP FUNCTION contact_words_of;
DROP TABLE contact_words;
