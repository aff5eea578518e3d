"""What owners and administrators do: people, tenants, policies, the organization itself."""
