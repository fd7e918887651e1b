"""The console's own work: it signs people in, keeps their keys, and lets them invite others."""
