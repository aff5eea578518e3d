-- The foundation: organizations, their people, keys and credentials.
-- ${app} is the role that the gateway runs as: it owns nothing and row-level security binds it.
-- A setting that ended with its transaction reads as '', not NULL: hence nullif.

revoke all on schema public from public;
grant usage on schema public to ${app};

-- Peppers and signing keys of the whole installation, each wrapped by the master key.
create table ring_keys (
    purpose text not null,
    version integer not null,
    wrapped bytea not null,
    created_at timestamptz not null default now(),
    primary key (purpose, version)
);
grant select, insert on ring_keys to ${app};

-- Routing tables: what must be found before the organization is known. A keyed digest and ids, nothing else.
create table route_keys (
    digest bytea primary key,
    organization_id uuid not null,
    tenant_id uuid not null,
    key_id uuid not null unique
);
create table route_mail_tokens (
    digest bytea primary key,
    organization_id uuid not null,
    token_id uuid not null unique
);
create table route_organizations (
    slug_digest bytea primary key,
    organization_id uuid not null unique
);
grant select, insert, delete on route_keys, route_mail_tokens, route_organizations to ${app};

create table organizations (
    id uuid primary key,
    name text not null,
    slug text not null unique,
    plan text not null,
    created_at timestamptz not null default now()
);
create table tenants (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    name text not null,
    slug text not null,
    created_at timestamptz not null default now(),
    unique (organization_id, slug),
    unique (organization_id, id)
);
create table users (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    tenant_id uuid not null,
    email text not null,
    name text not null,
    role text not null check (role in ('owner', 'admin', 'member', 'readonly')),
    password_hash text not null,
    verified_at timestamptz,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id),
    unique (organization_id, id)
);
create unique index users_email on users (organization_id, lower(email));
create table mail_tokens (
    id uuid primary key,
    organization_id uuid not null,
    user_id uuid not null,
    purpose text not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade
);
-- A data key per user, and one per organization (user_id null) for its service accounts.
create table data_keys (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    user_id uuid,
    wrapped bytea not null,
    created_at timestamptz not null default now(),
    unique nulls not distinct (organization_id, user_id)
);

create table api_keys (
    id uuid primary key,
    organization_id uuid not null,
    tenant_id uuid not null,
    user_id uuid not null,
    key_type text not null check (key_type in ('admin', 'user', 'agent', 'gateway')),
    name text not null,
    key_prefix text not null,
    scopes text[] not null,
    rate_limit integer not null check (rate_limit > 0),
    rate_window integer not null check (rate_window > 0),
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);
create index api_keys_of_user on api_keys (organization_id, tenant_id, user_id);
create table api_key_usage (
    key_id uuid primary key references api_keys on delete cascade,
    organization_id uuid not null,
    tenant_id uuid not null,
    usage_count bigint not null,
    last_used_at timestamptz not null
);

create table credentials (
    id uuid primary key,
    organization_id uuid not null,
    tenant_id uuid not null,
    user_id uuid,
    service text not null,
    sealed bytea not null,
    metadata jsonb not null,
    scopes text[] not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    unique nulls not distinct (organization_id, tenant_id, user_id, service)
);
create table credential_usage (
    credential_id uuid primary key references credentials on delete cascade,
    organization_id uuid not null,
    tenant_id uuid not null,
    usage_count bigint not null,
    last_used_at timestamptz not null
);

-- FORCE: the owner is bound too, so no forgotten job of the owner's can read across organizations.
do $$
declare
    name text;
begin
    execute 'alter table organizations enable row level security';
    execute 'alter table organizations force row level security';
    execute $p$create policy own on organizations
        using (id = nullif(current_setting('app.organization_id', true), '')::uuid)$p$;
    foreach name in array array['tenants', 'users', 'mail_tokens', 'data_keys'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format($p$create policy own on %I
            using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)$p$, name);
    end loop;
    foreach name in array array['api_keys', 'api_key_usage', 'credentials', 'credential_usage'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format($p$create policy own on %I
            using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid
               and tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)$p$, name);
    end loop;
end
$$;
grant select, insert, update, delete on
    organizations, tenants, users, mail_tokens, data_keys,
    api_keys, api_key_usage, credentials, credential_usage to ${app};
