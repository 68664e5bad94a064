package mandate.policies.read_only_agents_test

import data.mandate.policies.read_only_agents

agent := {"kind": "agent", "id": "a1", "chain": [{"kind": "agent", "id": "a1"}, {"kind": "user", "id": "u1"}]}

person := {"kind": "user", "id": "u1", "chain": [{"kind": "user", "id": "u1"}]}

call(subject, risk) := {
	"subject": subject,
	"action": "tools.call",
	"resource": {"type": "tool", "name": "crm/contact", "source": "crm", "risk": risk, "arguments": {}},
}

method(subject, action) := {
	"subject": subject,
	"action": action,
	"resource": {"type": "method", "name": action, "arguments": {}},
}

test_an_agent_reads if {
	count(read_only_agents.deny) == 0 with input as call(agent, "read_only")
	count(read_only_agents.deny) == 0 with input as method(agent, "agents.get")
	count(read_only_agents.deny) == 0 with input as method(agent, "threads.watch")
}

test_an_agent_does_not_write if {
	some risk in ["idempotent", "write", "destructive", "READ_ONLY", ""]
	read_only_agents.deny["agents may only read here, and crm/contact may change something"] with input as call(agent, risk)
}

test_every_other_risk_is_refused if {
	every risk in ["idempotent", "write", "destructive", "READ_ONLY", "", null, true] {
		count(read_only_agents.deny) == 1 with input as call(agent, risk)
	}
}

test_a_tool_without_a_risk_or_name_is_a_writer if {
	some path in ["/resource/risk", "/resource/name"]
	count(read_only_agents.deny) == 1 with input as json.patch(call(agent, "write"), [{"op": "remove", "path": path}])
	count(read_only_agents.deny) == 1 with input as {"action": "tools.call", "subject": agent}
}

test_an_agent_does_not_change_what_is_ours if {
	read_only_agents.deny["agents may only read here, and agents.create changes something"] with input as method(agent, "agents.create")
	count(read_only_agents.deny) == 1 with input as method(agent, "get.create")
}

test_people_are_not_touched if {
	count(read_only_agents.deny) == 0 with input as call(person, "destructive")
	count(read_only_agents.deny) == 0 with input as method(person, "agents.delete")
}

test_who_is_unknown_counts_as_an_agent if {
	every subject in [{}, {"kind": "user"}, {"chain": []}, {"chain": [{"id": "u1"}]}] {
		count(read_only_agents.deny) == 1 with input as call(subject, "write")
	}
}

test_a_model_may_be_used if {
	count(read_only_agents.deny) == 0 with input as {"action": "models.use", "subject": agent, "resource": {"type": "model", "name": "x/y"}}
}

test_an_exempt_agent_writes_its_sub_agent_does_not if {
	sub := {"kind": "agent", "id": "a2", "chain": [{"kind": "agent", "id": "a2"}, {"kind": "agent", "id": "a1"}, {"kind": "user", "id": "u1"}]}
	count(read_only_agents.deny) == 0 with input as call(agent, "write") with read_only_agents.exempt_agents as {"a1"}
	count(read_only_agents.deny) == 1 with input as call(sub, "write") with read_only_agents.exempt_agents as {"a1"}
}
