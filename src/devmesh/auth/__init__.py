"""From the credential that a request carries to its caller."""
