# Nobody outside gets anything: people with an address are written to by no plan.
package main

import rego.v1

deny contains sprintf("%s: %s", [warning.address, warning.text]) if {
	some warning in input.warnings
	warning.code == "delivers_externally"
}

deny contains sprintf("%s would be reached at an address that is no test number", [one.address]) if {
	some one in input.planned_values.root_module.resources
	one.type == "participant"
	some name in ["address", "projected_address"]
	number := one.values[name]
	not number in data.office.test_numbers
}
