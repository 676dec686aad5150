package main

import (
	"bytes"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// foreign returns the part of the page about flags of other runners.
func foreign(params []gadgetapi.ForeignParam) []byte {
	var b bytes.Buffer
	b.WriteString("\n## Flags of ig run\n\nThey are taken where they would change nothing, which `-v` says; the others " +
		"are a usage error with this hint.\n")
	b.WriteString("\n| flag | taken | why, or what to use |\n|---|---|---|\n")
	for _, f := range params {
		taken := "yes"
		if f.Refused {
			taken = "no"
		}
		fmt.Fprintf(&b, "| `--%s` | %s | %s |\n", f.Name, taken, f.Why)
	}
	return b.Bytes()
}
