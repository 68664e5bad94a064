package mandate.policies.business_hours_test

import data.mandate.policies.business_hours

agent := {"kind": "agent", "chain": [{"kind": "agent", "id": "a1"}, {"kind": "user", "id": "u1"}]}

person := {"kind": "user", "chain": [{"kind": "user", "id": "u1"}]}

at(subject, risk, moment) := {
	"subject": subject,
	"action": "tools.call",
	"resource": {"type": "tool", "name": "crm/contact", "risk": risk},
	"env": {"time": moment, "time_ns": time.parse_rfc3339_ns(moment)},
}

refused := {"agents act only in business hours (UTC)"}

test_open if {
	every moment in ["2026-11-20T08:00:00Z", "2026-11-20T17:59:59Z", "2026-11-23T12:00:00+03:00"] {
		count(business_hours.deny) == 0 with input as at(agent, "write", moment)
	}
}

test_closed if {
	every moment in [
		"2026-11-20T07:59:59Z", # a second too early
		"2026-11-20T18:00:00Z", # closing time itself
		"2026-11-21T12:00:00Z", # a Saturday
		"2026-12-25T12:00:00Z", # a Friday, and a holiday
	] {
		business_hours.deny == refused with input as at(agent, "write", moment)
	}
}

test_the_zone_counts if {
	input_early := at(agent, "write", "2026-07-20T06:30:00Z")
	business_hours.deny == refused with input as input_early
	count(business_hours.deny) == 0 with input as input_early with business_hours.zone as "Europe/Berlin"
	count(business_hours.deny) == 1 with input as at(agent, "write", "2026-12-21T06:30:00Z")
	with business_hours.zone as "Europe/Berlin"
}

test_reading_and_people_at_any_time if {
	count(business_hours.deny) == 0 with input as at(agent, "read_only", "2026-11-21T03:00:00Z")
	count(business_hours.deny) == 0 with input as at(person, "write", "2026-11-21T03:00:00Z")
}

test_what_is_unknown_is_refused if {
	count(business_hours.deny) == 1 with input as {"action": "tools.call", "subject": agent, "resource": {"risk": "write"}}
	count(business_hours.deny) == 1 with input as {"action": "tools.call", "subject": agent, "env": {"time_ns": "noon"}}
	count(business_hours.deny) == 1 with input as at(agent, "write", "2026-11-20T12:00:00Z")
	with business_hours.zone as "Europe/Nowhere"
	count(business_hours.deny) == 1 with input as at({"kind": "user", "chain": []}, "write", "2026-11-21T03:00:00Z")
}
