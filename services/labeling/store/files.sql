-- Files, in pieces of 1 MB.

-- name: insert_file
INSERT INTO files (file_id, account_id, filename, media_type, expires_at)
VALUES (:file_id, :account_id, :filename, :media_type, :expires_at)

-- name: insert_piece
INSERT INTO file_pieces (file_id, number, content) VALUES (:file_id, :number, :content)

-- name: complete_file
UPDATE files SET size = :size, complete = true WHERE file_id = :file_id

-- name: file_of_id
SELECT file_id, account_id, filename, media_type, size FROM files
WHERE account_id = :account_id AND file_id = :file_id AND complete

-- name: size_of_files
-- Files that are being written count with their present pieces.
SELECT COALESCE(sum(
    CASE WHEN complete THEN size ELSE (SELECT count(*) * 1048576 FROM file_pieces WHERE file_id = files.file_id) END
), 0)::bigint
FROM files WHERE account_id = :account_id

-- name: pieces
SELECT content FROM file_pieces WHERE file_id = :file_id AND number BETWEEN :first AND :last ORDER BY number

-- name: delete_file
DELETE FROM files WHERE file_id = :file_id

-- name: delete_expired
DELETE FROM files WHERE expires_at < :now OR (NOT complete AND created_at < :abandoned)
