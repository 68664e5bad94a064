# METADATA
# title: A second person approves above an amount
# description: |
#   Calls that move money go to approval by someone other than the person on whose behalf they are
#   made, once their amount passes the limit of their currency. An amount that cannot be read
#   exactly, or a currency without a limit, needs approval whatever it says.
#   It looks at one call: many small payments pass. Limit those with a budget or a grant.
# custom:
#   adapt:
#   - "payments: by tool, where its arguments hold the amount and the currency"
#   - "limits: the highest amount without approval, by currency"
#   - "decider: who decides; \"other\" is anyone else who may approve, \"other,role:owner\" an owner"
package mandate.policies.two_person_approval

payments := {
	"bank/transfer": {"amount": ["amount"], "currency": ["currency"]},
	"shop/refund": {"amount": ["total", "value"], "currency": ["total", "currency"]},
}

limits := {"EUR": 1000, "USD": 1000}

decider := "other"

require_approval contains {"decider": decider, "reason": reason} if {
	input.action == "tools.call"
	fields := payments[input.resource.name]
	not small(fields)
	reason := sprintf("%s above the limit, or its amount is unclear", [input.resource.name])
}

small(fields) if {
	amount := exact(object.get(input.resource, array.concat(["arguments"], fields.amount), null))
	currency := object.get(input.resource, array.concat(["arguments"], fields.currency), null)
	amount >= 0
	amount <= limits[currency]
}

exact(value) := value if is_number(value)

# Text only in the one form that every program reads alike: no signs, exponents, separators or blanks.
exact(value) := to_number(value) if {
	is_string(value)
	regex.match(`^(0|[1-9][0-9]*)(\.[0-9]+)?$`, value)
}
