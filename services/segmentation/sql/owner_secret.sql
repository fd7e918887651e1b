SELECT secret FROM owner_secret
