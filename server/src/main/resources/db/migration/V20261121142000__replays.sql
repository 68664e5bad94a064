-- A thread that began with another's history.
alter table threads add column branched_from uuid;
alter table threads add column branched_at bigint not null default 0;

-- A run that repeats a part of another one: which, from where, and with what. Null for all others.
alter table runs add column replay jsonb;
