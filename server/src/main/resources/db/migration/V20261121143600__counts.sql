-- How much there is to do, across organizations and without a word of what it is about.
grant select (status, finished_at) on runs to ${dispatch};
grant select (id) on audit_unsealed to ${dispatch};
