"""The handler that folds facts, starts and moves runs, and fires timers."""
