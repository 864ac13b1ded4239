# The other rules look for what is forbidden, and would find nothing where there is no plan, or half of one.
package main

import rego.v1

deny contains "this is no plan: its changes or its planned values are missing" if not is_plan

deny contains refusal.text if some refusal in input.refusals

is_plan if {
	input.format_version
	is_array(input.resource_changes)
	is_object(input.planned_values.root_module)
	not input.errored
}
