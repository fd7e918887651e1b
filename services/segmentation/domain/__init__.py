"""The memory image of contacts, criteria as set algebra on it, and what has been announced. Pure."""
