-- Several credentials of one owner for one service, told apart by labels, and the terms on which each serves.
alter table credentials
    add column label text not null default '',
    add column rules text not null default '',
    add column allowed_tools text[],
    add column allowed_roles text[],
    add column expires_at timestamptz,
    drop constraint credentials_organization_id_tenant_id_user_id_service_key,
    add constraint credentials_of_owner unique nulls not distinct (organization_id, tenant_id, user_id, service, label);
comment on column credentials.label is 'the owner''s name for it; empty: the one without. The sealing is bound to all terms';
comment on column credentials.rules is 'JSON text, as the sealing is bound to it; empty: none';
comment on column credentials.allowed_tools is 'of a service account: the tools that it serves; null: all';
comment on column credentials.allowed_roles is 'of a service account: the roles that it serves; null: all';
comment on column credentials.expires_at is 'from when on it serves no call';
