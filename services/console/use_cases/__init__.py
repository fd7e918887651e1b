"""The console's use cases: sign people in, store their keys, and let them invite others."""
