-- Contexts: what an agent keeps between its runs, visible to the tenant it was stored in.
-- The row of a context holds what lists show; documents lie with the versions, so that lists read none of them.
-- Tags have rows of their own beside the array: an operator on arrays is not leakproof, so below a policy no index
-- would serve it; equality of texts is.

create table contexts (
    organization_id uuid not null,
    tenant_id uuid not null,
    id uuid not null,
    name text,
    folded text not null,
    tags text[] not null,
    agent_id text,
    version integer not null check (version > 0),
    created_by uuid not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    expires_at timestamptz,
    primary key (organization_id, tenant_id, id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);
create index contexts_named on contexts (organization_id, tenant_id, name, id) where name is not null;
create index contexts_of_agent on contexts (organization_id, tenant_id, agent_id, id) where agent_id is not null;
create index contexts_ending on contexts (organization_id, tenant_id, expires_at) where expires_at is not null;

create table context_tags (
    organization_id uuid not null,
    tenant_id uuid not null,
    tag text not null,
    context_id uuid not null,
    primary key (organization_id, tenant_id, tag, context_id),
    foreign key (organization_id, tenant_id, context_id) references contexts on delete cascade
);
create index context_tags_of_context on context_tags (organization_id, tenant_id, context_id);

-- The present version and a bounded number of former ones. The document is text: it is given back as it came.
create table context_versions (
    organization_id uuid not null,
    tenant_id uuid not null,
    context_id uuid not null,
    version integer not null,
    name text,
    tags text[] not null,
    agent_id text,
    expires_at timestamptz,
    content text not null,
    written_by uuid not null,
    written_at timestamptz not null,
    primary key (organization_id, tenant_id, context_id, version),
    foreign key (organization_id, tenant_id, context_id) references contexts on delete cascade
);

-- How many there are in each tenant: a plan counts over the whole organization, whose tenants' rows nobody sees at once.
create table context_counts (
    organization_id uuid not null,
    tenant_id uuid not null,
    contexts bigint not null check (contexts >= 0),
    primary key (organization_id, tenant_id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);

do $$
declare
    name text;
begin
    foreach name in array array['contexts', 'context_tags', 'context_versions'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format($p$create policy own on %I
            using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid
               and tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)$p$, name);
    end loop;
    execute 'alter table context_counts enable row level security';
    execute 'alter table context_counts force row level security';
    execute $p$create policy own on context_counts
        using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)$p$;
end
$$;
grant select, insert, update, delete on contexts, context_tags, context_versions, context_counts to ${app};
