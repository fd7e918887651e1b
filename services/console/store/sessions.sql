-- Sessions and sign-in links.

-- name: insert_link
INSERT INTO sign_in_links (token_hash, person_id, expires_at) VALUES (:token_hash, :person_id, :expires_at);

-- name: use_link
-- The deletion ensures that a link works once, even if two browsers use it concurrently.
DELETE FROM sign_in_links WHERE token_hash = :token_hash AND expires_at > now() RETURNING person_id;

-- name: find_link
SELECT person_id FROM sign_in_links WHERE token_hash = :token_hash AND expires_at > now();

-- name: forget_expired
WITH links AS (DELETE FROM sign_in_links WHERE expires_at <= now())
DELETE FROM sessions WHERE expires_at <= now();

-- name: insert_session
INSERT INTO sessions (session_id, token_hash, person_id, browser, expires_at)
VALUES (:session_id, :token_hash, :person_id, :browser, :expires_at);

-- name: session
SELECT s.session_id, s.seen_at, p.person_id, p.name, p.email, p.language, p.theme, p.is_operator
FROM sessions s JOIN people p USING (person_id)
WHERE s.token_hash = :token_hash AND s.expires_at > now();

-- name: see_session
UPDATE sessions SET seen_at = now(), expires_at = :expires_at WHERE session_id = :session_id;

-- name: sessions_of_person
SELECT session_id, browser, created_at, seen_at FROM sessions
WHERE person_id = :person_id AND expires_at > now() ORDER BY seen_at DESC;

-- name: end_session
DELETE FROM sessions WHERE session_id = :session_id AND person_id = :person_id;

-- name: end_sessions
DELETE FROM sessions WHERE person_id = :person_id;
