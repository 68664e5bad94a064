-- Forgetting what has had its time, in all organizations.
create index events_at on events using brin (at);
select mandate_dispatch_may('select', 'events', '{org_id,topic,seq,at}');
select mandate_dispatch_may('delete', 'events', '{}');
select mandate_dispatch_may('delete', 'sessions', '{}');
select mandate_dispatch_may('select', 'sign_in_links', '{org_id,expires_at}');
select mandate_dispatch_may('delete', 'sign_in_links', '{}');
select mandate_dispatch_may('select', 'sign_in_attempts', '{org_id,last_at}');
select mandate_dispatch_may('delete', 'sign_in_attempts', '{}');
