package inspect

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// FuzzSummaries: summaries of documents are short, and what is shown
// of it moves no cursor.
func FuzzSummaries(f *testing.F) {
	root := oci.Describe("x", []byte("x"))
	f.Add([]byte(`{"subject":[{"digest":{"sha256":"` + root.Digest.Encoded() +
		`"}}],"predicateType":"https://slsa.dev/provenance/v1","predicate":{"runDetails":{"builder":{"id":"\u001b[2J"}}}}`))
	f.Add([]byte(`{"spdxVersion":"SPDX-2.3","packages":[{}],"files":[1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, text := range []string{aboutStatement(data, root), aboutSPDX(data)} {
			var out bytes.Buffer
			p := &textPrinter{w: &out}
			p.line("%s", text)
			p.table("Documents", []string{"SUMMARY"}, [][]string{{text}})
			if bytes.ContainsAny(out.Bytes(), "\x1b\x07\r") || !utf8.Valid(out.Bytes()) {
				t.Errorf("%q is shown as %q", data, out.Bytes())
			}
		}
	})
}
