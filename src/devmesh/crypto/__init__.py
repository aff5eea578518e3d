"""Keys of the installation, sealing, digests, password hashes and the form of tokens."""
