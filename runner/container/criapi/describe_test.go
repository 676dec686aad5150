package criapi

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

const imageID = "94116b43cf45679f8707bf6e02be09dbc6269771ec7a0b06a181f4c56f59e6d3"

func TestDescribe(t *testing.T) {
	// as CRI-O writes it
	const info = `{"sandboxID":"bb","pid":42,"runtimeSpec":{"ociVersion":"1.0.0"},"privileged":false}`
	for _, tc := range []struct {
		name   string
		status *cri.ContainerStatus
		want   source.Info
	}{
		{
			"CRI-O",
			&cri.ContainerStatus{
				Id: "aa", Metadata: &cri.ContainerMetadata{Name: "server"}, StartedAt: 1700000000000000001,
				Image: &cri.ImageSpec{Image: imageID, UserSpecifiedImage: "r.example/web:v1"}, ImageRef: "r.example/web@sha256:22",
				ImageId: imageID,
				Labels:  map[string]string{"a": "b"},
			},
			source.Info{
				ID: "aa", Name: "server", PID: 42, SandboxID: "bb", StartedAt: time.Unix(0, 1700000000000000001),
				ImageName: "r.example/web:v1", ImageID: "sha256:" + imageID, ImageDigest: "sha256:22",
				Labels: map[string]string{"a": "b"},
			},
		},
		{
			"an older runtime",
			&cri.ContainerStatus{Id: "aa", Image: &cri.ImageSpec{Image: "web:v1"}, ImageRef: "sha256:33"},
			source.Info{ID: "aa", PID: 42, SandboxID: "bb", ImageName: "web:v1", ImageID: "sha256:33"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := describe(&cri.ContainerStatusResponse{Status: tc.status, Info: map[string]string{"info": info}})
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("%v -want +got:\n%s", err, diff)
			}
		})
	}
}

func TestDetails(t *testing.T) {
	if _, err := parseDetails([]byte(`{"pid":0}`)); !errors.Is(err, source.ErrGone) {
		t.Errorf("without a process: %v", err)
	}
	for _, bad := range []string{"", "x", `{"pid":-1}`, `{"pid":4294967338}`} {
		if d, err := parseDetails([]byte(bad)); err == nil || errors.Is(err, source.ErrGone) {
			t.Errorf("%q: %+v, %v", bad, d, err)
		}
	}
}

func FuzzDetails(f *testing.F) {
	f.Add([]byte(`{"sandboxID":"bb","pid":42}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := parseDetails(data); err == nil && (d.PID <= 0 || d.PID > 1<<22) {
			t.Errorf("process %d", d.PID)
		}
	})
}
