-- All keys that are not revoked, beside their tenants: what a plan says of keys counts over the whole organization.
drop table agent_keys;
create table live_keys (
    key_id uuid primary key references api_keys on delete cascade,
    organization_id uuid not null,
    user_id uuid not null,
    key_type text not null,
    expires_at timestamptz
);
create index live_keys_of_organization on live_keys (organization_id);
-- FORCE hides every tenant's rows from the owner too, but for this one statement.
alter table api_keys no force row level security;
insert into live_keys (key_id, organization_id, user_id, key_type, expires_at)
    select id, organization_id, user_id, key_type, expires_at from api_keys where revoked_at is null;
alter table api_keys force row level security;
alter table live_keys enable row level security;
alter table live_keys force row level security;
create policy own on live_keys
    using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
grant select, insert, update, delete on live_keys to ${app};
