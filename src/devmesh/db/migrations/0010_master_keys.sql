-- Versions of the master key. Each is wrapped by what keeps it (`kms`: a KMS, a file, the environment); key ring and
-- data keys are wrapped by versions, so that all of them can get another one while servers run.
create table master_keys (
    version integer primary key check (version > 0),
    kms text not null,
    wrapped bytea,
    created_at timestamptz not null default now(),
    finished_at timestamptz
);
comment on column master_keys.kms is 'the name of what wrapped it; no secret';
comment on column master_keys.wrapped is 'null: the version is the key in the file or environment itself, as before there were versions';
comment on column master_keys.finished_at is 'since when nothing is wrapped by an older version';
grant select, insert on master_keys to ${app};

-- Which version wrapped a row stands in its first four bytes. What is 60 bytes long was wrapped before there were
-- versions: a nonce, a key and a tag.
create function master_version(wrapped bytea) returns integer language sql immutable strict parallel safe as $$
    select case when octet_length(wrapped) = 60 then 1 else
        (get_byte(wrapped, 0) << 24) | (get_byte(wrapped, 1) << 16) | (get_byte(wrapped, 2) << 8) | get_byte(wrapped, 3)
    end
$$;
create index data_keys_of_version on data_keys (organization_id, master_version(wrapped));
