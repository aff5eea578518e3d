"""Key management services that keep the master key: AWS KMS and Vault's transit engine."""
