-- What may not act, or be called, for the time being: agents, tokens, members (by id), tools (by
-- full name) and the organization itself.
create table suspensions (
  org_id uuid not null,
  kind text not null check (kind in ('AGENT', 'TOKEN', 'TOOL', 'MEMBER', 'ORGANIZATION')),
  subject text not null,
  suspended_by text not null,
  suspended_at timestamptz not null,
  reason text not null,
  primary key (org_id, kind, subject)
);
select mandate_tenant_table('suspensions');

-- A run whose chain is suspended waits for its end; whoever lifts a suspension makes these due.
alter table runs add column suspended boolean not null default false;
create index runs_suspended on runs (org_id) where suspended and finished_at is null;
