"""Tracked links: `/c/{token}.{n}` leads on, and the click is safe before the answer goes out."""
