INSERT INTO revisions (message_id, revision, html, link_ids, created_at) VALUES ($1, $2, $3, $4, $5)
