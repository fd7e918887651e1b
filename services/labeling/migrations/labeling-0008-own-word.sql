-- when a label was removed, who decided on subscription and consent, settings and state of accounts, pipeline keys
-- depends: labeling-0007-imports

-- migrate: apply

-- The last removal: a click that happened before it does not assign the label again.
ALTER TABLE assignments ADD COLUMN removed_at timestamptz;

-- The kind of the origin that decided; null for what was decided before this was kept.
ALTER TABLE contacts ADD COLUMN subscription_by text;
ALTER TABLE contacts ADD COLUMN consent_by text;

-- Every change of subscription and consent to tracking.
CREATE TABLE contact_decisions (
    entry bigint GENERATED ALWAYS AS IDENTITY,
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    subject text NOT NULL CHECK (subject IN ('subscription', 'tracking_consent')),
    before text,
    after text NOT NULL,
    origin jsonb NOT NULL,
    -- The text that the contact agreed to, where it saw one.
    wording text,
    PRIMARY KEY (account_id, contact_id, entry)
);

ALTER TABLE accounts ADD COLUMN state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deleted'));
ALTER TABLE accounts ADD COLUMN settings jsonb NOT NULL DEFAULT '{}';

-- Keys of scope `pipeline` belong to no account.
ALTER TABLE api_keys ALTER COLUMN account_id DROP NOT NULL;

-- Invisible characters and unusual spaces in names no longer tell labels apart. Where two labels of an account become
-- the same, the older one keeps the plain name.
WITH plain AS (
    SELECT
        label_no, account_id,
        trim(regexp_replace(
            regexp_replace(name_key, '[\u00AD\u034F\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFE00-\uFE0F\uFEFF]', '', 'g'),
            '[\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000\u2800\u3164\u115F\u1160\uFFA0[:space:]]+', ' ', 'g'
        )) AS key
    FROM labels
    WHERE state <> 'deleted'
), first AS (
    SELECT DISTINCT ON (account_id, key) label_no, account_id, key FROM plain ORDER BY account_id, key, label_no
)
UPDATE labels AS label SET name_key = first.key
FROM first
WHERE label.label_no = first.label_no
    AND label.name_key <> first.key
    AND first.key <> ''
    AND NOT EXISTS (
        SELECT FROM labels AS other
        WHERE other.account_id = label.account_id AND other.name_key = first.key AND other.state <> 'deleted'
    );

-- `weiß@…` and `weiss@…` are two addresses: letters are compared without case, no longer folded.
UPDATE contacts
SET email_key =
    normalize(lower(normalize(regexp_replace(email, '@[^@]*$', ''), NFC) COLLATE "pg_c_utf8"), NFC)
    || '@' || substring(email_key FROM '@([^@]*)$')
WHERE email ~ '[^\x01-\x7F]';

UPDATE directory AS entry
SET key = contact.email_key
FROM contacts AS contact
WHERE entry.account_id = contact.account_id
    AND entry.contact_id = contact.contact_id
    AND entry.kind = 'email'
    AND entry.key <> contact.email_key
    AND contact.email ~ '[^\x01-\x7F]';

-- migrate: rollback

DELETE FROM api_keys WHERE account_id IS NULL;
ALTER TABLE api_keys ALTER COLUMN account_id SET NOT NULL;
ALTER TABLE accounts DROP COLUMN settings;
ALTER TABLE accounts DROP COLUMN state;
DROP TABLE contact_decisions;
ALTER TABLE contacts DROP COLUMN consent_by;
ALTER TABLE contacts DROP COLUMN subscription_by;
ALTER TABLE assignments DROP COLUMN removed_at;
