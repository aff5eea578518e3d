-- What the services last said of stored credentials, when they are asked again, and whom that was mailed to.
create table credential_standing (
    credential_id uuid primary key references credentials on delete cascade,
    organization_id uuid not null,
    tenant_id uuid not null,
    status text not null check (status in ('valid', 'invalid', 'unknown')),
    reason text not null,
    account text,
    granted_scopes text[],
    token_expires_at timestamptz,
    checked_at timestamptz,
    valid_at timestamptz,
    next_check_at timestamptz not null,
    told_invalid boolean not null default false,
    warned_of timestamptz,
    warned_days integer
);
create index credential_standing_due on credential_standing (organization_id, tenant_id, next_check_at);
comment on column credential_standing.account is 'with granted_scopes and token_expires_at as of the last time that it was valid';
comment on column credential_standing.granted_scopes is 'null: the service does not tell';
comment on column credential_standing.checked_at is 'null: never yet';
comment on column credential_standing.valid_at is 'when it was last valid; null: never known to be';
comment on column credential_standing.told_invalid is 'whether the owner was told by mail that it is no longer valid';
comment on column credential_standing.warned_of is 'the end that the owner was warned of by mail, warned_days before it';
alter table credential_standing enable row level security;
alter table credential_standing force row level security;
create policy own on credential_standing
    using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid
       and tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select, insert, update, delete on credential_standing to ${app};
