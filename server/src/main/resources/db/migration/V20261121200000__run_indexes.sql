-- With the organization in front and the id behind, runs_thread was as good as the primary key to a
-- planner that knew nothing of the table yet, and a step's append read the index entries of all
-- runs of the organization.
drop index runs_thread;
create index runs_thread on runs (thread_id, id desc);

-- Every step changes its run's row: with room on the page the indexes need not be touched.
alter table runs set (fillfactor = 70);
