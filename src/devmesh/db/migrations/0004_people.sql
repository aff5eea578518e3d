-- People: sessions, factors, invitations, memberships, policies, and mail that survives a crash.

-- A routing row goes with what it leads to: referential actions are not bound by row security, so that removing a
-- user or a tenant needs no look into every tenant.
alter table route_keys add foreign key (key_id) references api_keys on delete cascade;
alter table route_mail_tokens add foreign key (token_id) references mail_tokens on delete cascade;
alter table route_organizations add foreign key (organization_id) references organizations on delete cascade;
alter table route_emails add foreign key (user_id) references users on delete cascade;

alter table organizations add column policies jsonb not null default '{}';
alter table users add column last_login_at timestamptz;
alter table users add column password_changed_at timestamptz not null default now();
create index users_of_tenant on users (organization_id, tenant_id);

-- Whom another identity provider knows as whom; nothing signs in by it yet.
create table identities (
    organization_id uuid not null,
    user_id uuid not null,
    issuer text not null,
    subject text not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, issuer, subject),
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade
);

-- Who may act in which tenant beside the one that the person starts in; owners and administrators act in all.
create table memberships (
    organization_id uuid not null,
    tenant_id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, tenant_id, user_id),
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade,
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade
);
create index memberships_of_user on memberships (organization_id, user_id);

-- The agent keys that are not revoked, beside their tenants: a plan's `max_agents` counts over the whole organization.
create table agent_keys (
    key_id uuid primary key references api_keys on delete cascade,
    organization_id uuid not null,
    expires_at timestamptz
);
create index agent_keys_of_organization on agent_keys (organization_id);
-- FORCE hides every tenant's rows from the owner too, but for this one statement.
alter table api_keys no force row level security;
insert into agent_keys (key_id, organization_id, expires_at)
    select id, organization_id, expires_at from api_keys where key_type = 'agent' and revoked_at is null;
alter table api_keys force row level security;

-- A session is a family of refresh tokens. `expires_at` is its last day, however often it is refreshed.
create table sessions (
    id uuid primary key,
    organization_id uuid not null,
    user_id uuid not null,
    mfa boolean not null,
    address text not null,
    user_agent text not null,
    created_at timestamptz not null default now(),
    authenticated_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade,
    unique (organization_id, id)
);
comment on column sessions.mfa is 'whether a second factor was shown in this session';
comment on column sessions.authenticated_at is 'when the person last proved who they are, not merely refreshed';
create index sessions_of_user on sessions (organization_id, user_id);
create index sessions_ended on sessions (expires_at);
create table refresh_tokens (
    id uuid primary key,
    organization_id uuid not null,
    session_id uuid not null,
    issued_at timestamptz not null default now(),
    expires_at timestamptz not null,
    spent_at timestamptz,
    foreign key (organization_id, session_id) references sessions (organization_id, id) on delete cascade
);
create index refresh_tokens_of_session on refresh_tokens (organization_id, session_id);
create table route_refresh_tokens (
    digest bytea primary key,
    organization_id uuid not null,
    token_id uuid not null unique references refresh_tokens on delete cascade
);

-- A login whose password was right and whose second factor is still to come.
create table login_challenges (
    id uuid primary key,
    organization_id uuid not null,
    user_id uuid not null,
    webauthn_challenge bytea not null,
    attempts integer not null default 0,
    expires_at timestamptz not null,
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade
);
create table route_login_challenges (
    digest bytea primary key,
    organization_id uuid not null,
    challenge_id uuid not null unique references login_challenges on delete cascade
);
-- Failed logins, by keyed digest of an account, of an address, or of both together.
create table login_failures (
    digest bytea primary key,
    failures double precision not null,
    latest timestamptz not null,
    blocked_until timestamptz not null
);
create index login_failures_latest on login_failures (latest);
-- Which accounts an address failed with: spraying is many accounts from one address.
create table sprayed_accounts (
    address_digest bytea not null,
    email_digest bytea not null,
    latest timestamptz not null,
    primary key (address_digest, email_digest)
);
create index sprayed_accounts_latest on sprayed_accounts (latest);
-- From which networks an account's own person has logged in: guesses from elsewhere never delay these.
create table known_networks (
    organization_id uuid not null,
    user_id uuid not null,
    network_digest bytea not null,
    latest timestamptz not null default now(),
    primary key (organization_id, user_id, network_digest),
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade
);

-- `secret` is sealed by the person's data key. `last_step`: a code works once, also within its step (RFC 6238, 5.2).
-- A secret that is shown and not confirmed yet stands beside the one that it will replace.
create table totp (
    id uuid primary key,
    organization_id uuid not null,
    user_id uuid not null,
    secret bytea not null,
    data_key_id uuid not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0,
    created_at timestamptz not null default now(),
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade
);
create unique index totp_confirmed on totp (organization_id, user_id) where confirmed_at is not null;
create unique index totp_begun on totp (organization_id, user_id) where confirmed_at is null;
create table recovery_codes (
    organization_id uuid not null,
    user_id uuid not null,
    digest bytea not null,
    primary key (organization_id, user_id, digest),
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade
);
create table passkeys (
    id uuid primary key,
    organization_id uuid not null,
    user_id uuid not null,
    credential_id bytea not null,
    public_key bytea not null,
    sign_count bigint not null,
    name text not null,
    transports text[] not null,
    backup_eligible boolean not null,
    backed_up boolean not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade,
    unique (organization_id, credential_id)
);
comment on column passkeys.backup_eligible is
    'whether it may live on several devices; what is fixed when it is made (WebAuthn 3, 6.1.3)';
create index passkeys_of_user on passkeys (organization_id, user_id);
create table passkey_challenges (
    user_id uuid primary key,
    organization_id uuid not null,
    challenge bytea not null,
    expires_at timestamptz not null,
    foreign key (organization_id, user_id) references users (organization_id, id) on delete cascade
);

-- One open invitation per address; the token is found by route_invitations and kept nowhere.
create table invitations (
    id uuid primary key,
    organization_id uuid not null,
    tenant_id uuid not null,
    email text not null,
    name text not null,
    role text not null check (role in ('admin', 'member', 'readonly')),
    invited_by uuid not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    foreign key (organization_id, tenant_id) references tenants (organization_id, id) on delete cascade
);
create unique index invitations_email on invitations (organization_id, lower(email));
create table route_invitations (
    digest bytea primary key,
    organization_id uuid not null,
    invitation_id uuid not null unique references invitations on delete cascade
);

-- Mail that waits to be sent, sealed whole (recipient and link included) by the installation's own key, so that one
-- job can send for all organizations and a copy of the database holds no usable link. `event` is unique: one mail each.
-- What is sent or given up loses its content at once; the rest of its row tells its event from a new one until it expires.
create table mail_outbox (
    id uuid primary key,
    event text not null unique,
    folder text,
    sealed bytea,
    attempts integer not null default 0,
    created_at timestamptz not null default now(),
    next_at timestamptz not null default now(),
    handed_over_at timestamptz,
    expires_at timestamptz not null
);
comment on column mail_outbox.handed_over_at is
    'set before the message''s last byte is sent: what happened after it, a crash may have hidden, so it is not repeated';
comment on column mail_outbox.folder is
    'where the mail is to be a file, on the machine that was asked for it; null if it goes to a mail server';
comment on column mail_outbox.attempts is
    'counted when a process takes the mail, so that one which slept too long cannot go on with what another has taken';
comment on column mail_outbox.next_at is 'when somebody may take the mail; while it is being sent, when that has failed';
create index mail_outbox_next on mail_outbox (next_at) where sealed is not null;
create index mail_outbox_expires on mail_outbox (expires_at);

do $$
declare
    name text;
begin
    foreach name in array array[
        'identities', 'memberships', 'agent_keys', 'sessions', 'refresh_tokens', 'login_challenges', 'known_networks', 'totp',
        'recovery_codes', 'passkeys', 'passkey_challenges', 'invitations'
    ] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format($p$create policy own on %I
            using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)$p$, name);
    end loop;
end
$$;
grant select, insert, update, delete on
    identities, memberships, agent_keys, sessions, refresh_tokens, route_refresh_tokens, login_challenges, route_login_challenges,
    login_failures, sprayed_accounts, known_networks, totp, recovery_codes, passkeys, passkey_challenges, invitations,
    route_invitations, mail_outbox to ${app};
