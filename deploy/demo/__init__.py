"""The demo: a pet shop, its contacts and its newsletter show in a minute what Penchant does."""
