-- What one tenant has under Idempotency-Keys is counted, and its oldest replies are found; a tenant's end finds its rows.
create index idempotency_keys_of_tenant on idempotency_keys (organization_id, tenant_id, created_at);
