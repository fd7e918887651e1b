"""Topics in: the slices of this process, kept current, and what they make known."""
