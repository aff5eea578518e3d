"""Registration, mailed links and the own profile."""
