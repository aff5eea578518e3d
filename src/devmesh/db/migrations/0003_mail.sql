-- Mailed links. Like every routing table these two hold keyed digests and ids only, and no row security.
-- Which users have an e-mail address: one in each organization at most.
create table route_emails (
    email_digest bytea not null,
    organization_id uuid not null,
    user_id uuid not null unique,
    primary key (email_digest, organization_id)
);
-- When mails of a kind were sent to an address within the last hour, so that nobody can be flooded through us.
create table mail_budgets (
    email_digest bytea not null,
    kind text not null,
    sent_at timestamptz[] not null,
    latest timestamptz not null,
    primary key (email_digest, kind)
);
create index mail_budgets_latest on mail_budgets (latest);
create index mail_tokens_of_user on mail_tokens (organization_id, user_id, purpose);
-- A spent token is removed: there is nothing left to mark.
alter table mail_tokens drop column used_at;
grant select, insert, update, delete on route_emails, mail_budgets to ${app};
