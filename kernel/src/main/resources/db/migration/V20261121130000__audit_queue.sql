-- What of the record is not chained yet: a row for each transaction and organization that added to
-- it, committed with its entries. Whoever chains takes rows away, so that an entry can neither be
-- passed over, however late its transaction commits, nor be chained twice.
create table audit_unsealed (
  org_id uuid not null,
  -- The first of them.
  id uuid not null,
  entries uuid[] not null,
  primary key (org_id, id)
);

-- Erased with the personal data, so that nobody can try out what it was against its commitment.
alter table audit_entries add column salt uuid default gen_random_uuid();

-- Entries of before. The owner is bound by row-level security like everybody.
alter table audit_entries no force row level security;
insert into audit_unsealed (org_id, id, entries) select org_id, id, array[id] from audit_entries;
alter table audit_entries force row level security;

select mandate_tenant_table('audit_unsealed');
revoke update on audit_unsealed from ${app};
select mandate_dispatch_may('select', 'audit_unsealed', '{org_id}');
select mandate_dispatch_may('insert', 'audit_unsealed', '{org_id,id,entries}');

-- By month: ids begin with their time. What stands in no month's partition is in the default one.
drop policy tenant on audit_entries;
drop policy dispatch_insert on audit_entries;
revoke all on audit_entries from ${app}, ${dispatch};
alter table audit_entries rename to audit_entries_default;
alter table audit_entries_default rename constraint audit_entries_pkey to audit_entries_default_pkey;
alter index audit_entries_resource rename to audit_entries_default_resource;
create table audit_entries
  (like audit_entries_default including defaults including constraints)
  partition by range (id);
alter table audit_entries add primary key (org_id, id);
create index audit_entries_resource on audit_entries (org_id, resource, id);
alter table audit_entries attach partition audit_entries_default default;

select mandate_tenant_table('audit_entries');
revoke update, delete on audit_entries from ${app};
select mandate_dispatch_may('insert', 'audit_entries',
  '{org_id,id,at,action,resource,outcome,reason,chain,on_behalf_of,channel,trace_id,details,personal}');
-- Erasing what is personal, row by row; the chain shows any other change of it.
select mandate_dispatch_may('select', 'audit_entries', '{org_id,id}');
select mandate_dispatch_may('update', 'audit_entries', '{personal,salt}');

-- A partition for a month. Reached through the table alone: nobody has any right on it.
create function mandate_audit_month(name text, first uuid, next uuid) returns void
language plpgsql as $$
begin
  execute format(
    'create table %I (like audit_entries including defaults including constraints)', name);
  execute format('alter table %I enable row level security', name);
  execute format('alter table %I force row level security', name);
  execute format(
    'alter table audit_entries attach partition %I for values from (%L) to (%L)',
    name, first, next);
end $$;
revoke execute on function mandate_audit_month(text, uuid, uuid) from public;
