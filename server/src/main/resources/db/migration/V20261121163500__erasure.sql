-- A person is taken out of logs: words go, steps stay. The application still only adds to them.
select mandate_dispatch_may('select', 'run_steps', '{org_id,run_id,seq}');
select mandate_dispatch_may('update', 'run_steps', '{payload}');
