"""Rate limits per key, tenant and address, in process."""
