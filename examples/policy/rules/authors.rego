# Only the office speaks: every message, unchanged ones too, has one of its authors.
package main

import rego.v1

deny contains sprintf("%s would be by `%s`, who is not of the office", [one.address, author]) if {
	some one in input.planned_values.root_module.resources
	one.type == "message"
	author := object.get(one.values, "author", "system") # Twilio's author of messages that name none
	not author in data.office.authors
}
