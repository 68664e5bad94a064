package mandate.policies.no_exfiltration_test

import data.mandate.policies.no_exfiltration

agent := {"kind": "agent", "chain": [{"kind": "agent", "id": "a1"}, {"kind": "user", "id": "u1"}]}

person := {"kind": "user", "chain": [{"kind": "user", "id": "u1"}]}

read := {"id": "r1", "labels": ["confidential"]}

fresh := {"id": "r1", "labels": ["public"]}

call(source, risk, labels, run) := {
	"subject": agent,
	"action": "tools.call",
	"resource": {"type": "tool", "name": sprintf("%s/x", [source]), "source": source, "risk": risk, "labels": labels},
	"env": {"run": run},
}

test_before_reading_everything_goes if {
	count(no_exfiltration.deny) == 0 with input as call("mail", "write", [], fresh)
	count(no_exfiltration.deny) == 0 with input as call("web", "read_only", [], {"id": "r1", "labels": []})
	count(no_exfiltration.deny) == 0 with input as call("crm", "read_only", ["confidential"], fresh)
}

test_after_reading_nothing_leaves if {
	expected := {"this run has read confidential data, and mail/x may carry it out"}
	no_exfiltration.deny == expected with input as call("mail", "write", [], read)
	count(no_exfiltration.deny) == 1 with input as call("web", "read_only", [], read)
	count(no_exfiltration.deny) == 1 with input as call("agent", "write", [], read)
	count(no_exfiltration.deny) == 1 with input as call("self", "write", [], read)
}

test_after_reading_work_inside_goes_on if {
	count(no_exfiltration.deny) == 0 with input as call("crm", "write", [], read)
	count(no_exfiltration.deny) == 0 with input as call("files", "read_only", ["confidential"], read)
	count(no_exfiltration.deny) == 0 with input as call("self", "read_only", [], read)
}

test_a_run_that_does_not_say_counts_as_one_that_read if {
	count(no_exfiltration.deny) == 1 with input as call("mail", "write", [], {"id": "r1"})
	count(no_exfiltration.deny) == 1 with input as call("mail", "write", [], {"id": "r1", "labels": "none"})
	count(no_exfiltration.deny) == 1 with input as {"action": "tools.call", "env": {"run": {}}}
}

test_models if {
	use := {"subject": agent, "action": "models.use", "resource": {"type": "model", "name": "far/large"}, "env": {"run": read}}
	count(no_exfiltration.deny) == 0 with input as use
	no_exfiltration.deny == {"this run has read confidential data, and far/large may not see it"} with input as use
	with no_exfiltration.models as {"local/*"}
	count(no_exfiltration.deny) == 0 with input as object.union(use, {"resource": {"name": "local/small"}})
	with no_exfiltration.models as {"local/*"}
	count(no_exfiltration.deny) == 0 with input as object.union(use, {"env": {"run": fresh}})
	with no_exfiltration.models as {"local/*"}
}

test_an_agent_outside_a_run_does_not_read_confidential_data if {
	outside := {
		"subject": agent,
		"action": "tools.call",
		"resource": {"type": "tool", "name": "crm/x", "source": "crm", "risk": "read_only", "labels": ["confidential"]},
		"env": {"channel": "rest"},
	}
	expected := {"crm/x reads confidential data, which an agent may do only in a run"}
	no_exfiltration.deny == expected with input as outside
	count(no_exfiltration.deny) == 0 with input as json.patch(outside, [{"op": "replace", "path": "/subject", "value": person}])
	count(no_exfiltration.deny) == 0 with input as json.patch(outside, [{"op": "replace", "path": "/resource/labels", "value": []}])
}
