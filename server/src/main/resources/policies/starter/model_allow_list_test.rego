package mandate.policies.model_allow_list_test

import data.mandate.policies.model_allow_list

use(name) := {
	"subject": {"kind": "agent", "id": "a1", "roles": ["member"]},
	"action": "models.use",
	"resource": {"type": "model", "name": name, "tokens": 1000, "cost_micros": 10},
}

test_listed_models if {
	count(model_allow_list.deny) == 0 with input as use("anthropic/claude")
	count(model_allow_list.deny) == 0 with input as use("rehearsal/rehearsal")
}

test_other_models if {
	model_allow_list.deny == {"the model openai/gpt is not on the list"} with input as use("openai/gpt")
	every name in ["anthropic", "anthropic/x/y", "Anthropic/claude", "xanthropic/claude", "", "evil/anthropic/claude"] {
		count(model_allow_list.deny) == 1 with input as use(name)
	}
}

test_roles_and_agents if {
	count(model_allow_list.deny) == 0 with input as object.union(use("openai/gpt"), {"subject": {"roles": ["owner"]}})
	count(model_allow_list.deny) == 0 with input as use("openai/gpt")
	with model_allow_list.by_agent as {"a1": {"openai/gpt"}}
	count(model_allow_list.deny) == 1 with input as use("openai/gpt")
	with model_allow_list.by_agent as {"a2": {"openai/gpt"}}
	count(model_allow_list.deny) == 1 with input as object.union(use("openai/gpt"), {"subject": {"kind": "user"}})
	with model_allow_list.by_agent as {"a1": {"openai/gpt"}}
}

test_size if {
	big := json.patch(use("anthropic/claude"), [{"op": "replace", "path": "/resource/tokens", "value": 200001}])
	model_allow_list.deny == {"a request may have at most 200000 tokens"} with input as big
	exactly := json.patch(use("anthropic/claude"), [{"op": "replace", "path": "/resource/tokens", "value": 200000}])
	count(model_allow_list.deny) == 0 with input as exactly
}

test_cost if {
	dear := json.patch(use("anthropic/claude"), [{"op": "replace", "path": "/resource/cost_micros", "value": 5000001}])
	model_allow_list.deny == {"this run has cost more than 5000000 millionths of a dollar"} with input as dear
	first := json.patch(use("anthropic/claude"), [{"op": "remove", "path": "/resource/cost_micros"}])
	count(model_allow_list.deny) == 0 with input as first
}

test_what_is_unknown_is_refused if {
	model_allow_list.deny == {
		"the model without a name is not on the list",
		"a request may have at most 200000 tokens",
	} with input as {"action": "models.use"}
}

test_other_actions_pass if {
	count(model_allow_list.deny) == 0 with input as {"action": "tools.call", "resource": {"name": "openai/gpt"}}
}
