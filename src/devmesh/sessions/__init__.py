"""Sessions: who is logged in, by signed access tokens and refresh tokens that are spent once."""
