# METADATA
# title: Nothing leaves after confidential data was read
# description: |
#   Once a run has called a tool labelled confidential, it may call only tools that keep data inside,
#   and only the models named here: a web search is a way out as much as an e-mail is. An agent that
#   acts outside a run may not read confidential data at all, because nothing would remember it.
#   What it cannot see: data that an inside tool passes on, and what a person copies from an answer.
# custom:
#   adapt:
#   - "guarded: the labels that make a run confidential"
#   - "inside_sources: tool sources from which nothing leaves your organization"
#   - "own_source: this API; what reads in it stays open, what writes (messages, sub-agents) is a way out"
#   - "models: patterns of models that may see confidential data; replace the first by your own"
package mandate.policies.no_exfiltration

guarded := {"confidential"}

inside_sources := {"crm", "files"}

own_source := "self"

models := {"*/*"}

deny contains message if {
	input.action == "tools.call"
	tainted
	not inside
	message := sprintf("this run has read confidential data, and %s may carry it out", [resource_name])
}

deny contains message if {
	input.action == "models.use"
	tainted
	not trusted_model
	message := sprintf("this run has read confidential data, and %s may not see it", [resource_name])
}

deny contains message if {
	input.action == "tools.call"
	not people_only
	not input.env.run.id
	some label in input.resource.labels
	label in guarded
	message := sprintf("%s reads confidential data, which an agent may do only in a run", [resource_name])
}

# A run that does not say what it has read counts as one that has.
tainted if {
	input.env.run
	not clean
}

clean if {
	seen := {label | some label in input.env.run.labels}
	is_array(input.env.run.labels)
	count(seen & guarded) == 0
}

inside if input.resource.source in inside_sources

inside if {
	input.resource.source == own_source
	input.resource.risk == "read_only"
}

trusted_model if {
	some pattern in models
	glob.match(pattern, ["/"], input.resource.name)
}

people_only if {
	count(input.subject.chain) > 0
	every link in input.subject.chain {
		link.kind in {"user", "system"}
	}
}

resource_name := object.get(input, ["resource", "name"], "this")
