"""The event table, the unit of work, checkpoints and held records, on PostgreSQL."""
