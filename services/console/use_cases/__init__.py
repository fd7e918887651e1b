"""What the console does itself: sign people in, keep their keys, let them invite others."""
