# METADATA
# title: Limits on a tool's arguments
# description: |
#   For each tool listed, only the arguments named here may be passed, required ones must be there,
#   and each must meet its conditions: "one_of", "pattern" (RE2, the whole text), "min" and "max"
#   (numbers), "max_length" (text or list). A value of another kind fails its conditions.
#   Tools that are not listed are not touched; set only_listed to refuse them.
# custom:
#   adapt:
#   - "caveats: by tool, by argument, the conditions; an empty object allows any value"
#   - "only_listed: whether tools without an entry are refused"
#   - "people_too: whether people's own calls are held to it as well"
package mandate.policies.argument_caveats

caveats := {
	"mail/send": {
		"to": {"required": true, "pattern": `[a-z0-9._+-]+@example\.org`},
		"subject": {"max_length": 200},
		"body": {},
	},
	"shop/refund": {
		"order": {"required": true, "pattern": `[0-9]{1,12}`},
		"amount": {"required": true, "min": 0, "max": 50},
		"currency": {"one_of": ["EUR", "USD"]},
	},
}

only_listed := false

people_too := true

deny contains message if {
	applies
	only_listed
	not listed
	message := sprintf("%s is not on the list of tools", [object.get(input, ["resource", "name"], "this tool")])
}

deny contains message if {
	applies
	caveats[input.resource.name]
	not arguments_known
	message := sprintf("%s: the arguments are unknown", [input.resource.name])
}

deny contains message if {
	applies
	allowed := caveats[input.resource.name]
	some name, _ in arguments
	not name in object.keys(allowed)
	message := sprintf("%s: the argument %s may not be passed", [input.resource.name, name])
}

deny contains message if {
	applies
	some name, conditions in caveats[input.resource.name]
	conditions.required
	not name in object.keys(arguments)
	message := sprintf("%s: the argument %s is missing", [input.resource.name, name])
}

deny contains message if {
	applies
	some name, conditions in caveats[input.resource.name]
	value := arguments[name]
	some condition, bound in conditions
	not holds(condition, bound, value)
	message := sprintf("%s: the argument %s breaks the condition %s", [input.resource.name, name, condition])
}

listed if caveats[input.resource.name]

default arguments := {}

arguments := input.resource.arguments if arguments_known

arguments_known if is_object(input.resource.arguments)

applies if {
	input.action == "tools.call"
	people_too
}

applies if {
	input.action == "tools.call"
	not people_only
}

holds("required", _, _) := true

holds("one_of", bound, value) if value in bound

holds("pattern", bound, value) if {
	is_string(value)
	regex.match(sprintf(`\A(?:%s)\z`, [bound]), value)
}

holds("min", bound, value) if {
	is_number(value)
	value >= bound
}

holds("max", bound, value) if {
	is_number(value)
	value <= bound
}

holds("max_length", bound, value) if {
	type_name(value) in {"string", "array"}
	count(value) <= bound
}

people_only if {
	count(input.subject.chain) > 0
	every link in input.subject.chain {
		link.kind in {"user", "system"}
	}
}
