# METADATA
# title: Agents may only read
# description: |
#   Refuses every tool call of an agent whose tool is not marked read-only, and every operation of
#   this API by which an agent would change something. People are not touched.
#   What a tool's risk is, an administrator decides; a tool without one counts as a writer.
# custom:
#   adapt:
#   - "exempt_agents: the ids of agents that may write all the same (ids, because names can change)"
package mandate.policies.read_only_agents

exempt_agents := set()

reading_verbs := {"get", "list", "read", "search", "steps", "versions", "watch"}

deny contains message if {
	input.action == "tools.call"
	not people_only
	not exempt
	not reads_tool
	message := sprintf("agents may only read here, and %s may change something", [resource_name])
}

deny contains message if {
	input.resource.type == "method"
	input.action != "tools.call"
	not people_only
	not exempt
	not reads_method
	message := sprintf("agents may only read here, and %s changes something", [input.action])
}

# An absent or empty chain is nobody's, and no person's.
people_only if {
	count(input.subject.chain) > 0
	every link in input.subject.chain {
		link.kind in {"user", "system"}
	}
}

# Every agent in the chain has to be exempt: a writer's sub-agent gains nothing.
exempt if {
	agents := {link.id | some link in input.subject.chain; link.kind == "agent"}
	count(agents) > 0
	count(agents - exempt_agents) == 0
}

reads_tool if input.resource.risk == "read_only"

reads_method if {
	parts := split(input.action, ".")
	parts[count(parts) - 1] in reading_verbs
}

resource_name := object.get(input, ["resource", "name"], "this tool")
