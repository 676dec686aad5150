package artifact_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
)

// TestTagMovesDuringVerification: what was verified is what is pulled.
func TestTagMovesDuringVerification(t *testing.T) {
	a := newAdmission(t)
	a.sign(t, a.artifact.Root)
	other := registrytest.NewArtifact(t, 8, 1000)
	a.srv.Add(other.Blobs...)
	a.srv.Answer = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/referrers/") {
			a.srv.Tag("v1", other.Root)
		}
		return false
	}
	if err := a.obtain(t, artifact.PullMissing); err != nil {
		t.Fatal(err)
	}
	if len(a.srv.Seen("/manifests/v1")) != 1 {
		t.Errorf("the tag was asked for %d times", len(a.srv.Seen("/manifests/v1")))
	}
	if len(a.srv.Seen(other.Layers[arch.AMD64].Digest.String())) != 0 ||
		len(a.srv.Seen(a.artifact.Layers[arch.AMD64].Digest.String())) != 1 {
		t.Errorf("the wrong artifact was pulled: %q", a.srv.Seen("/blobs/"))
	}
	if asked := a.srv.Seen(a.artifact.Layers[arch.ARM64].Digest.String()); len(asked) > 0 {
		t.Errorf("another platform was pulled: %q", asked)
	}
	// From now on the registry gets no request, whatever it would answer.
	a.srv.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		t.Errorf("asked for %s", r.URL.Path)
		return false
	}
	for _, policy := range []string{artifact.PullMissing, artifact.PullNever} {
		if err := a.obtain(t, policy); err != nil {
			t.Errorf("--pull=%s: %v", policy, err)
		}
	}
}

// TestSignaturesFromPull: what was pulled without being verified runs where
// no registry may be contacted, if it came with a trusted signature.
func TestSignaturesFromPull(t *testing.T) {
	a := newAdmission(t)
	a.sign(t, a.artifact.Root)
	trust := a.trust
	a.trust = artifact.TrustFlags{VerifyImage: false}
	if err := a.obtain(t, artifact.PullAlways); err != nil {
		t.Fatal(err)
	}
	a.trust = trust
	a.srv.Answer = func(_ http.ResponseWriter, r *http.Request) bool {
		t.Errorf("asked for %s", r.URL.Path)
		return false
	}
	for _, policy := range []string{artifact.PullNever, artifact.PullMissing} {
		if err := a.obtain(t, policy); err != nil {
			t.Errorf("--pull=%s: %v", policy, err)
		}
	}
	other := newAdmission(t).trust
	a.trust = other
	if err := a.obtain(t, artifact.PullNever); !sign.IsRefused(err) ||
		!strings.Contains(err.Error(), "no signature of it that is on this machine is accepted") {
		t.Errorf("error %v, want a refusal", err)
	}
}

// TestUnavailableReferrers: the artifact is pulled anyway, with a warning.
func TestUnavailableReferrers(t *testing.T) {
	a := newAdmission(t)
	a.trust = artifact.TrustFlags{VerifyImage: false}
	a.srv.Refer(a.artifact.Root.Digest, oci.Describe(ocispec.MediaTypeImageManifest, []byte("gone")))
	a.srv.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, ".sig") {
			http.Error(w, "made up", http.StatusForbidden)
			return true
		}
		return false
	}
	if err := a.obtain(t, artifact.PullAlways); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"were found", "are kept"} {
		if !strings.Contains(a.stderr.String(), "not all signatures and documents of "+admittedName+" "+want) {
			t.Errorf("no %q in %q", want, &a.stderr)
		}
	}
}

// TestMovedTagVerifiedAgain: what was verified once proves nothing about what
// the tag refers to later.
func TestMovedTagVerifiedAgain(t *testing.T) {
	a := newAdmission(t)
	a.sign(t, a.artifact.Root)
	if err := a.obtain(t, artifact.PullAlways); err != nil {
		t.Fatal(err)
	}
	other := registrytest.NewArtifact(t, 8, 1000)
	a.srv.Add(other.Blobs...)
	a.srv.Tag("v1", other.Root)
	if err := a.obtain(t, artifact.PullAlways); !sign.IsRefused(err) {
		t.Errorf("error %v, want a refusal", err)
	}
	if asked := a.srv.Seen(other.Layers[arch.AMD64].Digest.String()); len(asked) > 0 {
		t.Errorf("a layer was asked for: %q", asked)
	}
	if err := a.obtain(t, artifact.PullNever); err != nil {
		t.Errorf("what was verified before is gone: %v", err)
	}
}

// TestMirrorNotTrusted: a mirror may serve the signed artifact, and no
// other.
func TestMirrorNotTrusted(t *testing.T) {
	a := newAdmission(t)
	a.sign(t, a.artifact.Root)
	mirror := registrytest.NewServed(t)
	other := registrytest.NewArtifact(t, 8, 1000)
	mirror.Add(other.Blobs...)
	mirror.Tag("v1", other.Root)
	a.configure(t, fmt.Sprintf("[[registry]]\nprefix = \"registry.example\"\nlocation = "+
		"%q\n[[registry.mirror]]\nlocation = %q\n", a.srv.Addr, mirror.Addr))
	if err := a.obtain(t, artifact.PullMissing); !sign.IsRefused(err) {
		t.Errorf("error %v, want a refusal", err)
	}
	if asked := mirror.Seen("/blobs/"); len(asked) > 0 {
		t.Errorf("the mirror was asked for %q", asked)
	}
	a.holdsNothing(t)
	mirror.Add(a.artifact.Blobs...)
	mirror.Tag("v1", a.artifact.Root)
	mirror.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/referrers/") {
			http.NotFound(w, r) // mirrors often have no referrers
			return true
		}
		return false
	}
	if err := a.obtain(t, artifact.PullMissing); err != nil {
		t.Errorf("a mirror without the signatures that the registry has: %v", err)
	}
	if asked := a.srv.Seen(a.artifact.Layers[arch.AMD64].Digest.String()); len(asked) > 0 {
		t.Errorf("the layer did not come from the mirror: %q", asked)
	}
}
