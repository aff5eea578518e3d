-- Keys that are bound to addresses and services, rotate, age and are warned of; credentials that gateway keys may use.
alter table api_keys
    add column allowed_ips text[],
    add column allowed_services text[],
    add column tool_names text check (tool_names in ('dot', 'underscore')),
    add column version integer not null default 1 check (version > 0),
    add column rotation integer not null default 0,
    add column rotated_at timestamptz,
    add column previous_digest bytea,
    add column previous_until timestamptz,
    add column warned_of timestamptz,
    add column warned_days integer,
    add check ((previous_digest is null) = (previous_until is null));
comment on column api_keys.allowed_ips is 'networks; null: any address, of a gateway key none';
comment on column api_keys.allowed_services is 'connectors; null: any, of a gateway key none';
comment on column api_keys.version is 'the ETag: one more with every change but a use';
comment on column api_keys.rotation is 'which secret is the present one, so that a caller''s can be told from it';
comment on column api_keys.rotated_at is 'since when the present secret is the present one; null: since created_at';
comment on column api_keys.previous_digest is 'the one former secret that may live on, until previous_until';
comment on column api_keys.warned_of is 'the end that the owner was warned of by mail, warned_days before it';

-- A key has one secret, and during a grace two.
alter table route_keys drop constraint route_keys_key_id_key;
create index route_keys_of_key on route_keys (key_id);

alter table credentials add column gateway_use boolean not null default false;
comment on column credentials.gateway_use is 'whether gateway keys use it on the person''s behalf; the sealing is bound to it';
