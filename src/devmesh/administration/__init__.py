"""What administrators and owners do: people and their roles, tenants, policies, and the organization's end."""
