-- Clicks per contact and label.

-- name: count_clicks
-- Adds clicks; returns each contact and label that had no click before.
WITH counted AS (
    INSERT INTO counts (account_id, contact_id, label_id, clicks)
    SELECT click.account_id, click.contact_id, click.label_id, count(*)
    FROM unnest(:account_ids::integer[], :contact_ids::bigint[], :label_ids::uuid[]) AS click (account_id, contact_id, label_id)
    GROUP BY click.account_id, click.contact_id, click.label_id
    ON CONFLICT (account_id, contact_id, label_id) DO UPDATE SET clicks = counts.clicks + excluded.clicks
    RETURNING account_id, contact_id, label_id, xmax = 0 AS first
)
SELECT account_id, contact_id, label_id FROM counted WHERE first
