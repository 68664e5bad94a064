-- Where an organization's chain stands. The seals are the truth; this saves looking for the last.
create table audit_heads (
  org_id uuid not null,
  seq bigint not null default 0,
  hash bytea not null default decode(repeat('00', 32), 'hex'),
  checkpoint_seq bigint not null default 0,
  checkpoint_at timestamptz not null default '-infinity',
  primary key (org_id)
);
select mandate_tenant_table('audit_heads');
-- Finding chains that have grown since they were last signed.
select mandate_dispatch_may('select', 'audit_heads', '{org_id,seq,checkpoint_seq,checkpoint_at}');

-- An entry's place in its organization's chain.
create table audit_seals (
  org_id uuid not null,
  seq bigint not null check (seq > 0),
  entry_id uuid not null,
  -- What the hash holds of the entry's personal data; null if it had none when it was sealed.
  personal_hash bytea,
  hash bytea not null check (length(hash) = 32),
  primary key (org_id, seq),
  constraint audit_seals_entry unique (org_id, entry_id)
);
select mandate_tenant_table('audit_seals');
revoke update, delete on audit_seals from ${app};
-- Retention: the seals of months that were dropped.
select mandate_dispatch_may('select', 'audit_seals', '{org_id,seq}');
select mandate_dispatch_may('delete', 'audit_seals', '{}');

-- What the chain was at a time, signed.
create table audit_checkpoints (
  org_id uuid not null,
  id uuid not null,
  seq bigint not null,
  hash bytea not null,
  at timestamptz not null,
  -- Entries with lower ids were dropped by retention, all that the chain holds up to seq among them.
  dropped_before uuid,
  key_id text not null,
  signature bytea not null,
  primary key (org_id, id)
);
select mandate_tenant_table('audit_checkpoints');
revoke update, delete on audit_checkpoints from ${app};

-- Ed25519 keys of the installation: org_id is the reserved organization.
create table audit_keys (
  org_id uuid not null check (org_id = '00000000-0000-7000-8000-000000000001'),
  id text not null,
  public_key bytea not null,
  -- The private key, encrypted.
  sealed bytea not null,
  created_at timestamptz not null,
  primary key (org_id, id)
);
select mandate_tenant_table('audit_keys');

-- Work on all organizations, one after the other: which ones there are.
select mandate_dispatch_may('select', 'organizations', '{org_id}');
