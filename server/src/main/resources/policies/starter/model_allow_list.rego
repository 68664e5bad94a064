# METADATA
# title: Which models may be used
# description: |
#   A model is refused unless a pattern for everyone, for one of the person's roles or for the acting
#   agent names it. Requests beyond a size, and runs beyond a cost, are refused as well.
#   A pattern's * stands for anything but a slash: "anthropic/*" is every model of that provider.
# custom:
#   adapt:
#   - "everyone, by_role, by_agent: the patterns; agents by id"
#   - "max_tokens: of one request; max_run_cost_micros: what a run may have cost, in millionths of a dollar"
package mandate.policies.model_allow_list

everyone := {"rehearsal/*", "anthropic/*"}

by_role := {"owner": {"openai/*"}}

by_agent := {}

max_tokens := 200000

max_run_cost_micros := 5000000

deny contains message if {
	input.action == "models.use"
	not listed
	message := sprintf("the model %s is not on the list", [resource_name])
}

deny contains message if {
	input.action == "models.use"
	not small
	message := sprintf("a request may have at most %d tokens", [max_tokens])
}

deny contains message if {
	input.action == "models.use"
	input.resource.cost_micros > max_run_cost_micros
	message := sprintf("this run has cost more than %d millionths of a dollar", [max_run_cost_micros])
}

small if {
	is_number(input.resource.tokens)
	input.resource.tokens <= max_tokens
}

listed if {
	some pattern in patterns
	glob.match(pattern, ["/"], input.resource.name)
}

patterns contains pattern if some pattern in everyone

patterns contains pattern if {
	some role in input.subject.roles
	some pattern in by_role[role]
}

patterns contains pattern if {
	input.subject.kind == "agent"
	some pattern in by_agent[input.subject.id]
}

resource_name := object.get(input, ["resource", "name"], "without a name")
