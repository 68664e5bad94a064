-- What messages carry. The facts of a complete file never change, so they stand here too; the file
-- itself cannot be deleted while it is carried.
create table message_attachments (
  org_id uuid not null,
  message_id uuid not null,
  place int not null,
  file_id uuid not null,
  name text not null,
  content_type text not null,
  size bigint not null,
  sha256 text not null,
  primary key (org_id, message_id, place),
  unique (org_id, message_id, file_id),
  foreign key (org_id, message_id) references messages (org_id, id),
  foreign key (org_id, file_id) references files (org_id, id)
);
create index message_attachments_file on message_attachments (org_id, file_id);
select mandate_tenant_table('message_attachments');
