-- name: labels_of_ids
-- A merged label, even while the merge is running, is resolved to the one that it is merged into.
SELECT asked.label_id AS asked_id, label.*, target.label_id AS target_id
FROM labels AS asked
JOIN labels AS label ON label.label_no = COALESCE(asked.merged_into, asked.label_no)
LEFT JOIN labels AS target ON target.label_no = label.merged_into
WHERE asked.label_id = ANY(:label_ids::uuid[])

-- name: label_of_id
SELECT label.*, target.label_id AS target_id
FROM labels AS label
LEFT JOIN labels AS target ON target.label_no = label.merged_into
WHERE label.account_id = :account_id AND label.label_id = :label_id

-- name: labels_of_names
-- A name takes precedence over an alias, a newer label's alias over an older one's.
SELECT DISTINCT ON (wanted.key) wanted.key AS wanted_key, label.*, NULL::uuid AS target_id
FROM unnest(:keys::text[]) AS wanted (key)
JOIN labels AS label
    ON label.account_id = :account_id
    AND label.state IN ('active', 'hidden')
    AND (label.name_key = wanted.key OR wanted.key = ANY(label.alias_keys))
ORDER BY wanted.key, label.name_key = wanted.key DESC, label.label_no DESC

-- name: labels_of_account
SELECT *, NULL::uuid AS target_id FROM labels
WHERE account_id = :account_id
    AND state IN ('active', 'hidden')
    AND (:name_key::text IS NULL OR name_key = :name_key)
    AND (:after::uuid IS NULL OR label_id > :after)
ORDER BY label_id
LIMIT :limit

-- name: count_labels
SELECT count(*) FROM labels
WHERE account_id = :account_id AND state IN ('active', 'hidden') AND (:name_key::text IS NULL OR name_key = :name_key)

-- name: insert_label
-- No row if the name is taken. An error would be written to PostgreSQL's log, with the name.
INSERT INTO labels (label_id, account_id, name, name_key, description, visibility, label_group, names, label_order)
VALUES (:label_id, :account_id, :name, :name_key, :description, :visibility, :label_group, :names, :label_order)
ON CONFLICT (account_id, name_key) WHERE state <> 'deleted' DO NOTHING
RETURNING *, NULL::uuid AS target_id

-- name: update_label
-- No row if the name is taken; see above. The caller holds the lock of the catalog, so the name cannot be taken
-- meanwhile.
UPDATE labels
SET
    name = :name,
    name_key = :name_key,
    description = :description,
    visibility = :visibility,
    aliases = :aliases,
    alias_keys = :alias_keys,
    state = :state,
    label_group = :label_group,
    names = :names,
    label_order = :label_order,
    changed_at = :at
WHERE
    label_no = :no
    AND (
        :state = 'deleted'
        OR NOT EXISTS (
            SELECT FROM labels AS other
            WHERE
                other.account_id = labels.account_id AND other.name_key = :name_key AND other.state <> 'deleted'
                AND other.label_no <> :no
        )
    )

-- name: public_labels
-- A group has the position of its first label; labels without a group come last.
SELECT *, NULL::uuid AS target_id FROM labels
WHERE account_id = :account_id AND state = 'active' AND visibility = 'public'
ORDER BY
    label_group IS NULL, min(label_order) OVER (PARTITION BY label_group), label_group, label_order, label_no

-- name: set_merged_into
-- Also updates labels that were merged into this one before, so that there are no chains.
UPDATE labels SET merged_into = :target_no WHERE label_no = :no OR merged_into = :no
