"""Topics in."""
