// Reads a plan, a state or the result of a validation as HashiCorp's own library does, and prints what it found.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	tfjson "github.com/hashicorp/terraform-json"
)

func main() {
	data, err := os.ReadFile(os.Args[2])
	if err != nil {
		fail(err)
	}
	found := map[string]any{}
	switch os.Args[1] {
	case "plan":
		var plan tfjson.Plan
		if err := json.Unmarshal(data, &plan); err != nil {
			fail(err)
		}
		changes := map[string]any{}
		for _, one := range plan.ResourceChanges {
			changes[one.Address] = map[string]any{
				"actions":  one.Change.Actions,
				"previous": one.PreviousAddress,
				"imported": one.Change.Importing != nil,
				"hidden":   one.Change.AfterSensitive,
			}
		}
		drift := []string{}
		for _, one := range plan.ResourceDrift {
			drift = append(drift, one.Address)
		}
		found["changes"], found["drift"], found["planned"] = changes, drift, len(plan.PlannedValues.RootModule.Resources)
	case "state":
		var state tfjson.State
		if err := json.Unmarshal(data, &state); err != nil {
			fail(err)
		}
		addresses := []string{}
		for _, one := range state.Values.RootModule.Resources {
			addresses = append(addresses, one.Address)
		}
		found["resources"] = addresses
	case "validate":
		var output tfjson.ValidateOutput
		if err := json.Unmarshal(data, &output); err != nil {
			fail(err)
		}
		found["valid"], found["errors"] = output.Valid, output.ErrorCount
		for _, one := range output.Diagnostics {
			found["place"] = fmt.Sprintf("%s:%d:%d", one.Range.Filename, one.Range.Start.Line, one.Range.Start.Column)
			found["code"] = one.Snippet.Code
		}
	}
	text, _ := json.Marshal(found)
	fmt.Println(string(text))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
