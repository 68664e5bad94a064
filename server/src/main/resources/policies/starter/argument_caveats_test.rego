package mandate.policies.argument_caveats_test

import data.mandate.policies.argument_caveats

call(name, arguments) := {
	"subject": {"kind": "agent", "chain": [{"kind": "agent", "id": "a1"}, {"kind": "user", "id": "u1"}]},
	"action": "tools.call",
	"resource": {"type": "tool", "name": name, "arguments": arguments},
}

mail := {"to": "ada@example.org", "subject": "Hello", "body": "…"}

refund := {"order": "123", "amount": 50, "currency": "EUR"}

test_what_is_within_passes if {
	count(argument_caveats.deny) == 0 with input as call("mail/send", mail)
	count(argument_caveats.deny) == 0 with input as call("mail/send", {"to": "a.b+c@example.org"})
	count(argument_caveats.deny) == 0 with input as call("shop/refund", refund)
}

test_a_pattern_is_for_the_whole_text if {
	every address in ["ada@example.org.evil.com", "eve@evil.com, ada@example.org", "ada@example.org\n", "ADA@example.org", 7, ["ada@example.org"]] {
		argument_caveats.deny == {"mail/send: the argument to breaks the condition pattern"} with input as call("mail/send", {"to": address})
	}
}

test_numbers if {
	every amount in [50.01, 1e9, "60", null] {
		argument_caveats.deny["shop/refund: the argument amount breaks the condition max"] with input as call("shop/refund", object.union(refund, {"amount": amount}))
	}
	argument_caveats.deny == {"shop/refund: the argument amount breaks the condition min"} with input as call("shop/refund", object.union(refund, {"amount": -1}))
}

test_choices if {
	argument_caveats.deny == {"shop/refund: the argument currency breaks the condition one_of"} with input as call("shop/refund", object.union(refund, {"currency": "JPY"}))
}

test_length if {
	count(argument_caveats.deny) == 0 with input as call("mail/send", object.union(mail, {"subject": "short"}))
	count(argument_caveats.deny) == 0 with input as call("mail/send", object.union(mail, {"subject": ["a", "b"]}))
	every subject in [sprintf("%0201d", [0]), 7, {"a": 1}] {
		argument_caveats.deny == {"mail/send: the argument subject breaks the condition max_length"} with input as call("mail/send", object.union(mail, {"subject": subject}))
	}
}

test_unknown_and_missing_arguments if {
	argument_caveats.deny == {"mail/send: the argument bcc may not be passed"} with input as call("mail/send", object.union(mail, {"bcc": "eve@evil.com"}))
	argument_caveats.deny == {"mail/send: the argument to is missing"} with input as call("mail/send", {})
	argument_caveats.deny == {
		"mail/send: the argument to is missing",
		"mail/send: the arguments are unknown",
	} with input as json.patch(call("mail/send", {}), [{"op": "remove", "path": "/resource/arguments"}])
}

test_an_unknown_condition_never_holds if {
	argument_caveats.deny == {"a/b: the argument x breaks the condition maximum"} with input as call("a/b", {"x": 1})
	with argument_caveats.caveats as {"a/b": {"x": {"maximum": 5}}}
}

test_other_tools if {
	count(argument_caveats.deny) == 0 with input as call("web/search", {"q": "x"})
	argument_caveats.deny == {"web/search is not on the list of tools"} with input as call("web/search", {"q": "x"})
	with argument_caveats.only_listed as true
	argument_caveats.deny == {"this tool is not on the list of tools"} with input as {"action": "tools.call"}
	with argument_caveats.only_listed as true
	count(argument_caveats.deny) == 0 with input as object.union(call("mail/send", {}), {"action": "models.use"})
}

test_people if {
	person := json.patch(call("mail/send", {}), [{"op": "replace", "path": "/subject", "value": {"kind": "user", "chain": [{"kind": "user", "id": "u1"}]}}])
	count(argument_caveats.deny) == 1 with input as person
	count(argument_caveats.deny) == 0 with input as person with argument_caveats.people_too as false
	count(argument_caveats.deny) == 1 with input as call("mail/send", {}) with argument_caveats.people_too as false
}
