package imagecmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
)

// TestPushOnePlatform pushes what was pulled for one machine to a registry that
// has nothing of the rest.
func TestPushOnePlatform(t *testing.T) {
	from, to := registrytest.Start(t, registrytest.Config{}).Addr+"/g:v1",
		registrytest.Start(t, registrytest.Config{}).Addr+"/g:v1"
	t.Setenv("GADGET_RUN_REGISTRIES", os.DevNull)
	layout := registrytest.NewArtifact(t, 1, 4096).Layout(t)
	author, node, other := t.TempDir(), t.TempDir(), t.TempDir()
	call := func(state, wantErr string, args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		err := run(append([]string{"--state", filepath.Join(state, "state")}, args...), strings.NewReader(""), &stdout,
			&stderr)
		if wantErr == "" && err != nil || wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)) {
			t.Fatalf("%q: %v, want %q\n%s", args, err, wantErr, &stderr)
		}
		return stdout.String() + stderr.String()
	}
	call(author, "", "image", "load", "-t", from, layout)
	call(author, "", "image", "push", from)
	call(node, "", "image", "pull", "--platform", "linux/"+arch.ARM64.String(), from)
	call(node, "", "image", "tag", from, to)
	call(node, "or push what is here with --platform", "image", "push", to)
	call(node, "neither here nor in the registry", "image", "push", "--platform", "linux/amd64", to)
	call(node, "s390x", "image", "push", "--platform", "linux/s390x", to)
	out := call(node, "", "image", "push", "--platform", "linux/arm64", to)
	if !strings.Contains(out, "These platforms alone are sha256:") {
		t.Errorf("the new digest is not explained:\n%s", out)
	}
	call(other, "", "image", "pull", "--all-platforms", to)
	call(other, "", "image", "fsck")
}
