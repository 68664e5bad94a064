-- Each process asks how far the topics have come that are followed in it, of whichever organization.
select mandate_dispatch_may('select', 'event_topics', '{org_id,topic,seq}');
