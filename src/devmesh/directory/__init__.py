"""Organizations, tenants, people and plans, as data."""
