"""Topics in: facts are folded, runs start and move, time passes."""
