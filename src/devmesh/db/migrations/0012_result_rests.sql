-- What a tool's result did not fit: kept for minutes, until its caller has read on.
create table result_rests (
    id uuid primary key,
    organization_id uuid not null,
    tenant_id uuid not null,
    user_id uuid not null,
    key_id uuid,
    tool text not null,
    sealed bytea not null,
    expires_at timestamptz not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade
);
comment on column result_rests.key_id is 'the key that called; null for a session';
comment on column result_rests.sealed is 'the result, by the data key of the person whom the call was made for';
create index result_rests_of_caller on result_rests (organization_id, tenant_id, user_id, expires_at);
alter table result_rests enable row level security;
alter table result_rests force row level security;
create policy own on result_rests
    using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid
       and tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select, insert, update, delete on result_rests to ${app};
