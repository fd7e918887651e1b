-- Searches, filters and sorts contacts.

-- name: count_words
-- The number of words that begin with a prefix, counted up to a limit.
SELECT count(*) FROM (
    SELECT FROM contact_words
    WHERE account_id = :account_id AND word >= :prefix AND word < :prefix || U&'\+10FFFF'
    LIMIT :limit
) AS counted

-- name: search
-- The next words that begin with the first prefix, with their contacts. `matches` is true for a contact's first such
-- word, if the contact has a word for each other prefix. The start of the page is the only lower bound of the word:
-- with two bounds, the index would be read from the lower one. OFFSET 0 forces a look-up of each contact, because the
-- planner's estimate of the number of words is too inaccurate for a join.
SELECT
    found.word, found.contact_id,
    coalesce(
        found.word = (SELECT min(word COLLATE "C") FROM unnest(own.words) AS word WHERE starts_with(word, :prefix))
        AND NOT EXISTS (
            SELECT FROM unnest(:others::text[]) AS other (prefix)
            WHERE NOT EXISTS (SELECT FROM unnest(own.words) AS word WHERE starts_with(word, other.prefix))
        ),
        false
    ) AS matches
FROM (
    SELECT word, contact_id FROM contact_words
    WHERE account_id = :account_id
        AND word < :prefix || U&'\+10FFFF'
        AND (word, contact_id) > (:after_word, :after_id)
    ORDER BY word, contact_id
    LIMIT :limit
) AS found
CROSS JOIN LATERAL (
    SELECT array_agg(word) AS words
    FROM contacts AS contact, contact_words_of(contact.email_key, contact.external_id, contact.fields) AS word
    WHERE contact.account_id = :account_id AND contact.contact_id = found.contact_id
    OFFSET 0
) AS own
ORDER BY found.word, found.contact_id

-- name: page_by_id
SELECT contact.contact_id, contact.changed_at FROM contacts AS contact
WHERE contact.account_id = :account_id
    AND contact.contact_id > :after_id
    AND (:only::bigint[] IS NULL OR contact.contact_id = ANY(:only))
    AND (:subscription::text IS NULL OR contact.subscription = :subscription)
    AND (:changed_since::timestamptz IS NULL OR contact.changed_at >= :changed_since)
ORDER BY contact.contact_id
LIMIT :limit

-- name: page_by_change
-- Most recently changed first.
SELECT contact.contact_id, contact.changed_at FROM contacts AS contact
WHERE contact.account_id = :account_id
    AND (contact.changed_at, contact.contact_id) < (:before, :before_id)
    AND (:only::bigint[] IS NULL OR contact.contact_id = ANY(:only))
    AND (:subscription::text IS NULL OR contact.subscription = :subscription)
    AND (:changed_since::timestamptz IS NULL OR contact.changed_at >= :changed_since)
ORDER BY contact.changed_at DESC, contact.contact_id DESC
LIMIT :limit

-- name: stored_contacts
SELECT * FROM contacts WHERE account_id = :account_id AND contact_id = ANY(:contact_ids::bigint[])

-- name: holders_by_clicks
SELECT
    assignment.contact_id, contact.external_id, contact.email,
    assignment.since, assignment.clicks, assignment.first_click, assignment.last_click
FROM assignments AS assignment
JOIN contacts AS contact ON contact.account_id = :account_id AND contact.contact_id = assignment.contact_id
WHERE assignment.label_no = :label_no
    AND assignment.held
    AND assignment.clicks >= :at_least
    AND (assignment.clicks, assignment.contact_id) < (:before, :before_id)
ORDER BY assignment.clicks DESC, assignment.contact_id DESC
LIMIT :limit

-- name: holders_by_last_click
SELECT
    assignment.contact_id, contact.external_id, contact.email,
    assignment.since, assignment.clicks, assignment.first_click, assignment.last_click
FROM assignments AS assignment
JOIN contacts AS contact ON contact.account_id = :account_id AND contact.contact_id = assignment.contact_id
WHERE assignment.label_no = :label_no
    AND assignment.held
    AND assignment.clicks >= :at_least
    AND (COALESCE(assignment.last_click, '0001-01-02T00:00:00Z'), assignment.contact_id) < (:before, :before_id)
ORDER BY COALESCE(assignment.last_click, '0001-01-02T00:00:00Z') DESC, assignment.contact_id DESC
LIMIT :limit

-- name: holders_by_since
SELECT
    assignment.contact_id, contact.external_id, contact.email,
    assignment.since, assignment.clicks, assignment.first_click, assignment.last_click
FROM assignments AS assignment
JOIN contacts AS contact ON contact.account_id = :account_id AND contact.contact_id = assignment.contact_id
WHERE assignment.label_no = :label_no
    AND assignment.held
    AND assignment.clicks >= :at_least
    AND (assignment.since, assignment.contact_id) < (:before, :before_id)
ORDER BY assignment.since DESC, assignment.contact_id DESC
LIMIT :limit

-- name: timeline_of_labels
-- A probe per label of the account: the key of the table begins with the label.
SELECT
    history.entry, history.occurred_at, history.recorded_at, history.outcome, history.reason,
    history.click_id, history.message_id, history.link_id, history.origin,
    label.label_id, label.name AS label_name
FROM labels AS label
JOIN assignment_history AS history ON history.label_no = label.label_no AND history.contact_id = :contact_id
WHERE label.account_id = :account_id AND history.occurred_at <= :before
ORDER BY history.occurred_at DESC, history.entry DESC
LIMIT :limit

-- name: timeline_of_engagements
SELECT event_id, occurred_at, kind, ref, message_id, send, attributes FROM engagements
WHERE account_id = :account_id AND contact_id = :contact_id AND occurred_at <= :before
ORDER BY occurred_at DESC, event_id DESC
LIMIT :limit

-- name: timeline_of_decisions
SELECT * FROM contact_decisions
WHERE account_id = :account_id AND contact_id = :contact_id AND occurred_at <= :before
ORDER BY occurred_at DESC, entry DESC
LIMIT :limit

-- name: timeline_of_changes
-- The contact's own events: its complete state after each change.
SELECT event_id, occurred_at, type, personal FROM events
WHERE account_id = :account_id AND contact_id = :contact_id
    AND topic = 'labeling.contacts' AND personal IS NOT NULL AND occurred_at <= :before
ORDER BY position DESC
LIMIT :limit
