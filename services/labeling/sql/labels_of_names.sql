-- A name weighs more than an alias, a newer label's alias more than an older one's.
SELECT DISTINCT ON (wanted.key) wanted.key AS wanted_key, label.*
FROM unnest($2::text[]) AS wanted (key)
JOIN labels AS label
    ON label.account_id = $1
    AND label.state <> 'deleted'
    AND (label.name_key = wanted.key OR wanted.key = ANY(label.alias_keys))
ORDER BY wanted.key, label.name_key = wanted.key DESC, label.label_no DESC
