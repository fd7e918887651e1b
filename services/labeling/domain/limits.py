"""The limits of an account. Documented in docs/reference/limits.md."""

MOST_LABELS = 10_000
MOST_FIELDS = 500
MOST_KEYS = 1_000
MOST_FORMS = 500
MOST_ALIASES = 500  # of a label, because every event of a label names all of them
