"""A pet shop, its contacts and its newsletter: everything that Penchant does, in a minute."""
