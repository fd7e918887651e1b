-- Campaigns, and the frozen part and the progress of each slice.

-- name: insert_campaign
INSERT INTO campaigns (
    campaign_id, account_id, name, version, message_id, audience, hold_out_percent, send_at, expires_at, state,
    created_at, changed_at
)
VALUES (
    :campaign_id, :account_id, :name, 1, :message_id, :audience::jsonb, :hold_out_percent, :send_at, :expires_at,
    'draft', :created_at, :created_at
)

-- name: update_campaign
UPDATE campaigns
SET
    name = :name,
    version = :version,
    message_id = :message_id,
    audience = :audience::jsonb,
    hold_out_percent = :hold_out_percent,
    send_at = :send_at,
    expires_at = :expires_at,
    state = :state,
    reason = :reason,
    launch = :launch::jsonb,
    launched_at = :launched_at,
    changed_at = :changed_at
WHERE campaign_id = :campaign_id

-- name: delete_campaign
DELETE FROM campaigns WHERE campaign_id = :campaign_id

-- name: campaign
SELECT * FROM campaigns WHERE account_id = :account_id AND campaign_id = :campaign_id

-- name: page_of_campaigns
SELECT * FROM campaigns
WHERE account_id = :account_id AND (:after::uuid IS NULL OR campaign_id > :after)
ORDER BY campaign_id
LIMIT :limit

-- name: count_campaigns
SELECT count(*) FROM campaigns WHERE account_id = :account_id

-- name: campaigns_to_move
-- Campaigns whose state may be due to change.
SELECT campaign.account_id, campaign.campaign_id
FROM campaigns AS campaign
WHERE
    (campaign.state = 'scheduled' AND campaign.send_at <= :now)
    OR (
        campaign.state = 'launching'
        AND (
            NOT EXISTS (
                SELECT FROM campaign_slices AS slice
                WHERE slice.campaign_id = campaign.campaign_id AND slice.frozen_at IS NULL
            )
            OR EXISTS (
                SELECT FROM campaign_slices AS slice
                WHERE slice.campaign_id = campaign.campaign_id AND slice.failed IS NOT NULL
            )
        )
    )
    OR (
        campaign.state = 'sending'
        AND NOT EXISTS (
            SELECT FROM campaign_slices AS slice
            WHERE slice.campaign_id = campaign.campaign_id AND slice.drained_at IS NULL
        )
    )

-- name: insert_slices
INSERT INTO campaign_slices (campaign_id, partition)
SELECT :campaign_id, number FROM generate_series(0, :partitions::integer - 1) AS number

-- name: delete_slices
DELETE FROM campaign_slices WHERE campaign_id = :campaign_id

-- name: slices_of_campaign
SELECT partition, frozen_at, as_of, frozen, failed, next_index, skipped, drained_at
FROM campaign_slices WHERE campaign_id = :campaign_id
ORDER BY partition

-- name: slices_to_freeze
SELECT campaign.*
FROM campaign_slices AS slice
INNER JOIN campaigns AS campaign USING (campaign_id)
WHERE slice.partition = :partition AND slice.frozen_at IS NULL AND slice.failed IS NULL AND campaign.state = 'launching'

-- name: slices_to_drain
SELECT campaign.*, slice.partition, slice.frozen, slice.next_index, slice.skipped
FROM campaign_slices AS slice
INNER JOIN campaigns AS campaign USING (campaign_id)
WHERE slice.partition = :partition AND slice.drained_at IS NULL AND campaign.state = 'sending'
ORDER BY campaign.campaign_id

-- name: write_frozen
UPDATE campaign_slices SET frozen = :frozen, frozen_at = :frozen_at, as_of = :as_of
WHERE campaign_id = :campaign_id AND partition = :partition

-- name: write_failed
UPDATE campaign_slices SET failed = :failed WHERE campaign_id = :campaign_id AND partition = :partition

-- name: write_progress
UPDATE campaign_slices
SET next_index = :next_index, skipped = :skipped, drained_at = :drained_at
WHERE campaign_id = :campaign_id AND partition = :partition
