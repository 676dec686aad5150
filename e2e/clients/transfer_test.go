package clients

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// The documents that ":push" attaches.
const (
	statementType = "application/vnd.in-toto+json"
	sbomType      = "application/spdx+json"
)

// publish pushes the gadget as "bazel run :push" does, with provenance and an
// SBOM, and signs it in both forms.
func (b *cosign) publish(t *testing.T) string {
	t.Helper()
	ref := b.name(b.site, "published") + ":v1"
	repository, _, _ := strings.Cut(strings.TrimPrefix(ref, b.site.addr), ":")
	request, err := json.Marshal(map[string]any{
		"layout": b.lab.layout, "repository": b.site.addr + repository, "tags": []string{"v1"},
		"attestations": []map[string]string{
			{"media_type": statementType, "path": b.write(t, "provenance.json", `{"_type":"https://in-toto.io/Statement/v1"}`)},
			{"media_type": sbomType, "path": b.write(t, "sbom.json", `{"spdxVersion":"SPDX-2.3"}`)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.run(t, pushTool, "--request", b.write(t, "request.json", string(request)), "--ca-file", b.ca.File)
	b.ours(t, "image", "sign", "--key", b.file("p256.pem"), ref)
	return ref
}

// listed are the digests, sorted, of the referrers of ref according to oras.
func (l *lab) listed(t *testing.T, s *site, ref string) []string {
	t.Helper()
	var list struct{ Manifests []struct{ Digest string } }
	out := l.run(t, oras, words("discover", s.onlyPlain("--plain-http"), "--format", "json", ref)...)
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("oras discover prints %q: %v", out, err)
	}
	var all []string
	for _, m := range list.Manifests {
		all = append(all, m.Digest)
	}
	slices.Sort(all)
	return all
}

// TestTransfer copies a signed gadget from each registry to each other one,
// with gadget-run and with those clients that copy referrers. All that
// belongs to it arrives.
func TestTransfer(t *testing.T) {
	eachCosign(t, func(t *testing.T, b *cosign, _ []string) {
		all := b.sites(t)
		for _, from := range all {
			b.site = from
			ref := b.publish(t)
			for _, to := range all {
				if to == from {
					continue
				}
				t.Run(from.name+" to "+to.name, func(t *testing.T) {
					target := b.name(to, "transferred") + ":v1"
					b.ours(t, "image", "copy", ref, target)
					b.arrived(t, from, to, ref, target)
				})
			}
		}
	})
}

func TestTransferByOthers(t *testing.T) {
	eachCosign(t, func(t *testing.T, b *cosign, _ []string) {
		all := b.sites(t)
		for i, from := range all {
			to := all[(i+1)%len(all)]
			b.site = from
			ref := b.publish(t)
			t.Run("regctl, "+from.name+" to "+to.name, func(t *testing.T) {
				target := b.name(to, "regctl") + ":v1"
				b.run(t, regctl, "image", "copy", "--referrers", "--digest-tags", ref, target)
				b.arrived(t, from, to, ref, target)
			})
			t.Run("oras, "+from.name+" to "+to.name, func(t *testing.T) {
				target := b.name(to, "oras") + ":v1"
				plain := append(from.onlyPlain("--from-plain-http"), to.onlyPlain("--to-plain-http")...)
				b.run(t, oras, words("cp", "-r", plain, ref, target)...)
				// It does not support the tags of signatures.
				b.referred(t, from, to, ref, target)
			})
		}
	})
}

// arrived holds that target is ref with all that belongs to it.
func (b *cosign) arrived(t *testing.T, from, to *site, ref, target string) {
	t.Helper()
	b.referred(t, from, to, ref, target)
	tag := func(ref string) string {
		pinned := strings.ReplaceAll(b.pinned(ref), "@sha256:", ":sha256-")
		return b.run(t, crane, "digest", pinned+".sig")
	}
	if want, got := tag(ref), tag(target); want != got {
		t.Errorf("the tag of the signatures is %s, want %s", got, want)
	}
	remote := *b
	remote.site = to
	// cosign 2 looks for no tag where it finds a bundle.
	if b.program == cosign3 {
		if _, err := remote.verify(b.pinned(target), "p256", "tag"); err != nil {
			t.Errorf("the signature under the tag: %v", err)
		}
	}
	out, err := b.tryOurs("image", "verify", "--key", b.file("p256.pub"), target)
	for _, form := range forms {
		if err != nil || !strings.Contains(out, "as a "+form) {
			t.Errorf("image verify misses the %s: %v: %s", form, err, out)
		}
	}
}

// referred holds that the referrers of ref refer to target.
func (b *cosign) referred(t *testing.T, from, to *site, ref, target string) {
	t.Helper()
	b.readable(t, target)
	want, got := b.listed(t, from, ref), b.listed(t, to, target)
	if !slices.Equal(want, got) || len(want) != 3 {
		t.Errorf("oras discovers %v of the copy, %v of the source, want the same three", got, want)
	}
	tree := b.run(t, regctl, "artifact", "tree", target)
	for _, digest := range want {
		if !strings.Contains(tree, digest) {
			t.Errorf("regctl artifact tree misses %s:\n%s", digest, tree)
		}
	}
	remote := *b
	remote.site = to
	if _, err := remote.verify(b.pinned(target), "p256", "bundle"); err != nil {
		t.Errorf("the bundle: %v", err)
	}
}
