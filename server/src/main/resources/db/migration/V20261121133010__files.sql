create table files (
  org_id uuid not null,
  id uuid not null,
  name text not null,
  content_type text not null,
  size bigint not null check (size > 0),
  sha256 bytea not null check (length(sha256) = 32),
  state text not null check (state in ('pending', 'complete')),
  -- Who announced it, or on whose behalf: user:<id>.
  owner text not null,
  created_at timestamptz not null,
  completed_at timestamptz,
  -- A file still pending then is given up.
  expires_at timestamptz not null,
  primary key (org_id, id)
);
create index files_owner on files (org_id, owner, id desc);
create index files_content on files (org_id, sha256);

-- Contents that are, or may be about to be, in the storage. A row is there before its content and
-- goes after it, so that nothing in the storage is without one.
create table file_blobs (
  org_id uuid not null,
  sha256 bytea not null check (length(sha256) = 32),
  touched_at timestamptz not null,
  -- Being deleted: nobody may count on it any more.
  doomed boolean not null default false,
  primary key (org_id, sha256)
);

-- What an organization's files come to, counted as they come and go.
create table file_usage (
  org_id uuid not null primary key,
  bytes bigint not null check (bytes >= 0)
);

select mandate_tenant_table('files');
select mandate_tenant_table('file_blobs');
select mandate_tenant_table('file_usage');
