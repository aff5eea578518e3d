"""Logging in: e-mail address and password, then a second factor where there is one; and what slows guessing down."""
