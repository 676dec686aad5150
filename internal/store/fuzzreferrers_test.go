package store

import (
	"testing"

	"github.com/opencontainers/go-digest"
)

// FuzzParseReferrers checks that what a list says is fit for use: no tag of
// another artifact, no path, nothing too large.
func FuzzParseReferrers(f *testing.F) {
	const root = digest.Digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	const other = "sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	const manifest = `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + other + `","size":3}`
	f.Add([]byte(`[{"target":` + manifest + `}]`))
	f.Add([]byte(`[{"target":` + manifest + `,"tag":"sha256-` + root.Encoded() + `.sig"}]`))
	f.Add([]byte(`[{"target":` + manifest + `,"tag":"../../x"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ParseReferrers(data, root)
		if err != nil {
			return
		}
		for _, r := range all {
			subject, tagged := SubjectOfTag(r.Tag)
			if r.Target.Digest == root || r.Target.Digest.Validate() != nil || r.Target.Size < 0 || r.Tag != "" && (!tagged || subject != root) {
				t.Errorf("%+v is accepted", r)
			}
		}
		again, err := FormatReferrers(all)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseReferrers(again, root); len(again) <= maxReferrersFile && (err != nil || len(back) != len(all)) {
			t.Errorf("%q reads back as %v, %v", data, back, err)
		}
	})
}
