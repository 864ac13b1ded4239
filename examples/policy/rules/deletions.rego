# A message is deleted only if it is labelled as temporary, or if few others are.
package main

import rego.v1

deny contains sprintf("%s would be deleted: it is not labelled `temporary`, and at most %d may go", [one.address, limit]) if {
	unlabelled := [each | some each in input.resource_changes; is_deleted(each); not is_temporary(each)]
	count(unlabelled) > limit
	some one in unlabelled
}

limit := data.office.deletions

is_deleted(change) if {
	change.type == "message"
	"delete" in change.change.actions
	not "create" in change.change.actions
}

is_temporary(change) if change.change.before.attributes.temporary == true
