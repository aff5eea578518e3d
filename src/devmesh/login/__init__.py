"""Login: password, then second factor, throttled so that guessing is hopeless and locking out impossible."""
