-- The audit: rows are appended and never changed. ${app} may insert and select; update, delete and truncate
-- were never granted to it, so no statement of the gateway's can alter or remove what happened.

-- organization_id and tenant_id are never null: the nil UUID stands for 'none' (the operator's own rows), so that
-- what a row's hash covers has one spelling. No foreign keys: a record outlives what it speaks of.
create table audit_events (
    id uuid not null,
    organization_id uuid not null,
    tenant_id uuid not null,
    entry_id uuid not null,
    phase smallint not null check (phase in (0, 1, 2)),
    at timestamptz not null,
    record text not null,
    row_hash bytea not null check (length(row_hash) = 32),
    primary key (organization_id, id),
    -- Newest-first reading, the join of intent and outcome, and: no entry ever has a second outcome.
    unique (organization_id, entry_id, phase)
);
comment on column audit_events.phase is '0 intent, 1 outcome, 2 single event';
comment on column audit_events.record is 'JSON, byte for byte what row_hash covers';

alter table audit_events enable row level security;
alter table audit_events force row level security;
create policy read_own on audit_events for select
    using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
-- One group commit holds the rows of several organizations in one statement, so no setting could name them all.
-- What this gives away: the gateway's role can append to any organization's audit, as it must; it can read none
-- but the one that its transaction names.
create policy append on audit_events for insert with check (true);
grant select, insert on audit_events to ${app};
