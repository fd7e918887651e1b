"""The demo: a pet shop with contacts and a newsletter, which shows within a minute what Penchant does."""
