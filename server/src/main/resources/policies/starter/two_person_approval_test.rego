package mandate.policies.two_person_approval_test

import data.mandate.policies.two_person_approval

transfer(arguments) := {
	"action": "tools.call",
	"resource": {"type": "tool", "name": "bank/transfer", "arguments": arguments},
}

approval := {{
		"decider": "other",
		"reason": "bank/transfer above the limit, or its amount is unclear",
}}

test_small_amounts_pass if {
	every amount in [0, 999.99, 1000, "1000", "0.5"] {
		count(two_person_approval.require_approval) == 0 with input as transfer({"amount": amount, "currency": "EUR"})
	}
}

test_more_needs_another_person if {
	every amount in [1000.01, 1001, "1000.01", 1e9] {
		two_person_approval.require_approval == approval with input as transfer({"amount": amount, "currency": "EUR"})
	}
}

test_unclear_amounts_need_another_person if {
	every amount in [null, true, -1, "", " 5", "-5", "1e1", "0x10", "1,000", "１", [1], {"value": 1}] {
		two_person_approval.require_approval == approval with input as transfer({"amount": amount, "currency": "EUR"})
	}
	two_person_approval.require_approval == approval with input as transfer({})
	two_person_approval.require_approval == approval with input as transfer({"amount": 1})
	two_person_approval.require_approval == approval with input as transfer({"amount": 1, "currency": "JPY"})
	two_person_approval.require_approval == approval with input as {
		"action": "tools.call",
		"resource": {"type": "tool", "name": "bank/transfer"},
	}
}

test_nested_arguments if {
	refund := {"type": "tool", "name": "shop/refund", "arguments": {"total": {"value": 10, "currency": "USD"}}}
	count(two_person_approval.require_approval) == 0 with input as {"action": "tools.call", "resource": refund}
	count(two_person_approval.require_approval) == 1 with input as {"action": "tools.call", "resource": refund}
	with two_person_approval.limits as {"USD": 5}
}

test_other_tools_and_actions_pass if {
	count(two_person_approval.require_approval) == 0 with input as {
		"action": "tools.call",
		"resource": {"type": "tool", "name": "bank/balance", "arguments": {"amount": 5000}},
	}
	count(two_person_approval.require_approval) == 0 with input as object.union(
		transfer({"amount": 5000}),
		{"action": "models.use"},
	)
}
