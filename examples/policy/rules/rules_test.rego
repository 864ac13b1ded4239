# What the rules let through and what they refuse: `conftest verify --policy rules --data office.yaml`.
package main

import rego.v1

empty := {
	"format_version": "1.2",
	"errored": false,
	"resource_changes": [],
	"planned_values": {"root_module": {}},
	"warnings": [],
	"refusals": [],
}

with_change(change) := object.union(empty, {"resource_changes": [change]})

with_resource(type, values) := object.union(empty, {"planned_values": {"root_module": {"resources": [{
	"address": "desk/order/it",
	"type": type,
	"values": values,
}]}}})

deletion(attributes) := {
	"address": "desk/order/bye",
	"type": "message",
	"change": {"actions": ["delete"], "before": {"body": "Bye", "attributes": attributes}},
}

test_an_empty_plan_passes if count(deny) == 0 with input as empty

test_an_error_is_no_plan if count(deny) == 1 with input as {"errored": true, "diagnostics": []}

test_nothing_is_no_plan if count(deny) == 1 with input as {}

test_a_refused_plan_is_refused if {
	deny == {"too many"} with input as object.union(empty, {"refusals": [{"text": "too many"}]})
}

test_a_message_is_not_deleted if count(deny) == 1 with input as with_change(deletion({}))

test_a_temporary_message_may_be_deleted if count(deny) == 0 with input as with_change(deletion({"temporary": true}))

test_some_may_be_deleted_where_the_office_says_so if {
	count(deny) == 0 with input as with_change(deletion({})) with data.office.deletions as 1
}

test_the_office_speaks if count(deny) == 0 with input as with_resource("message", {"author": "alice"})

test_nobody_else_speaks if count(deny) == 1 with input as with_resource("message", {"author": "mallory"})

test_nobody_is_system if count(deny) == 0 with input as with_resource("message", {"body": "Hello"})

test_a_test_number_may_be_there if {
	count(deny) == 0 with input as with_resource("participant", {"address": "+15005550006"})
}

test_real_people_may_not if count(deny) == 1 with input as with_resource("participant", {"address": "+4930123456"})

test_no_delivery if {
	warning := {"code": "delivers_externally", "address": "desk/order", "text": "3 deliveries"}
	deny == {"desk/order: 3 deliveries"} with input as object.union(empty, {"warnings": [warning]})
}
