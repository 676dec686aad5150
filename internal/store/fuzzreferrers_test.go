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
	const third = "sha256:2123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	const manifest = `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + other + `","size":3}`
	f.Add([]byte(`[{"target":` + manifest + `}]`))
	f.Add([]byte(`[{"target":` + manifest + `,"tag":"sha256-` + root.Encoded() + `.sig"}]`))
	f.Add([]byte(`[{"target":` + manifest + `,"tag":"../../x"}]`))
	f.Add([]byte(`[{"target":` + manifest + `,"subject":"` + third + `","tag":"sha256-` + third[7:] + `.att"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ParseReferrers(data, root)
		if err != nil {
			return
		}
		for _, r := range all {
			subject, tagged := SubjectOfTag(r.Tag)
			if r.Target.Digest == root || r.Target.Digest.Validate() != nil || r.Target.Size < 0 ||
				r.Subject.Validate() != nil || r.Target.Digest == r.Subject || r.Tag != "" && (!tagged || subject != r.Subject) {
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
