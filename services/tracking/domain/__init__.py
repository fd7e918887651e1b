"""The rules of tracking, without I/O: links, revisions, tokens, verdicts."""
