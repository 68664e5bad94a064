-- An approval with arguments that a person changed denies one row and adds another.
alter table approvals add column replaces uuid;
alter table approvals add column replaced_by uuid;
