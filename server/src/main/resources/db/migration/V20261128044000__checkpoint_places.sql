-- Each check and each signature asks for the checkpoints from a place on, or the last one.
create index audit_checkpoints_seq on audit_checkpoints (org_id, seq, id);
