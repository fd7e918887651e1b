-- The server ends a transaction whose client says nothing for 5 s; a large batch on a busy machine may think so long.
SELECT
