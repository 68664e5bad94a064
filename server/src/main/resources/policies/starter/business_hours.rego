# METADATA
# title: Agents act in business hours
# description: |
#   Outside working time agents may still read, and nothing else. People are not touched.
#   A decision without a time, or with an unknown time zone, is outside.
# custom:
#   adapt:
#   - "zone: an IANA name such as Europe/Berlin; daylight saving is taken care of"
#   - "opens, closes: minutes since midnight; closes is no longer open"
#   - "days, holidays: English names of weekdays; dates as YYYY-MM-DD"
package mandate.policies.business_hours

zone := "UTC"

opens := 8 * 60

closes := 18 * 60

days := {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"}

holidays := {"2026-12-25", "2026-12-26", "2027-01-01"}

deny contains message if {
	input.action == "tools.call"
	not people_only
	not reads
	not in_hours
	message := sprintf("agents act only in business hours (%s)", [zone])
}

reads if input.resource.risk == "read_only"

in_hours if {
	moment := [input.env.time_ns, zone]
	time.weekday(moment) in days
	clock := time.clock(moment)
	minute := (clock[0] * 60) + clock[1]
	minute >= opens
	minute < closes
	not time.format([input.env.time_ns, zone, "2006-01-02"]) in holidays
}

people_only if {
	count(input.subject.chain) > 0
	every link in input.subject.chain {
		link.kind in {"user", "system"}
	}
}
