-- Idempotency-Key: what became of the first request under each key, for 24 hours.
create table idempotency_keys (
    organization_id uuid not null references organizations on delete cascade,
    digest bytea not null,
    tenant_id uuid not null,
    user_id uuid not null,
    request bytea not null,
    state text not null check (state in ('running', 'acted', 'kept', 'told', 'unknown')),
    attempt uuid not null,
    leased_until timestamptz not null,
    object_id text,
    sealed bytea,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (organization_id, digest),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade,
    check ((sealed is not null) = (state = 'kept'))
);
comment on column idempotency_keys.digest is 'of principal, tenant, route and key, keyed by the ring';
comment on column idempotency_keys.request is 'digest of the query and the body, keyed by the ring';
comment on column idempotency_keys.state is
    'running; acted: something is committed, the reply is not known yet; kept: the reply is in `sealed`; '
    'told: it is done, and the reply is kept nowhere; unknown: nobody can say';
comment on column idempotency_keys.attempt is 'whose turn it is: who is not it any more commits nothing';
comment on column idempotency_keys.leased_until is 'when whoever runs it is taken for dead';
comment on column idempotency_keys.sealed is 'the reply, by the data key of the person whom it was for';
create index idempotency_keys_expired on idempotency_keys (organization_id, expires_at);

-- By organization alone: the transaction that acts may have turned to another tenant before it commits.
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy own on idempotency_keys
    using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
grant select, insert, update, delete on idempotency_keys to ${app};
