package containerdapi

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"

	events "github.com/containerd/containerd/api/events"
	containers "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

func spec(annotations map[string]string) *anypb.Any {
	data, _ := json.Marshal(map[string]any{"ociVersion": "1.0.2", "annotations": annotations})
	return &anypb.Any{TypeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", Value: data}
}

func TestDescribe(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   *containers.Container
		want source.Info
	}{
		{"plain", &containers.Container{ID: "web", Image: "a:1"}, source.Info{ID: "web", Name: "web", ImageName: "a:1"}},
		{
			"nerdctl",
			&containers.Container{ID: "aa", Labels: map[string]string{"nerdctl/name": "web"}},
			source.Info{ID: "aa", Name: "web", Labels: map[string]string{"nerdctl/name": "web"}},
		},
		{
			"pod",
			&containers.Container{
				ID: "aa", Labels: map[string]string{"io.kubernetes.container.name": "server"},
				Spec: spec(map[string]string{"io.kubernetes.cri.sandbox-id": "bb", "io.kubernetes.cri.image-name": "a:1"}),
			},
			source.Info{
				ID: "aa", Name: "server", Labels: map[string]string{"io.kubernetes.container.name": "server"}, SandboxID: "bb",
				ImageName: "a:1",
			},
		},
		{"pod of newer containerd", &containers.Container{
			ID: "aa", Sandbox: "cc", Spec: spec(map[string]string{"io.kubernetes.cri.sandbox-id": "bb"}),
		}, source.Info{ID: "aa", Name: "aa", SandboxID: "cc"}},
		{
			"a spec of another form", &containers.Container{ID: "aa", Spec: &anypb.Any{Value: []byte("\x00")}},
			source.Info{ID: "aa", Name: "aa"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, describe(tc.in)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseEvent(t *testing.T) {
	encode := func(m proto.Message) []byte {
		data, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, tc := range []struct {
		name, topic, want string
		message           proto.Message
	}{
		{"made", "/tasks/create", "aa", &events.TaskCreate{ContainerID: "aa", Pid: 1}},
		{"started", "/tasks/start", "aa", &events.TaskStart{ContainerID: "aa", Pid: 1}},
		{"ended", "/tasks/exit", "aa", &events.TaskExit{ContainerID: "aa", ID: "aa"}},
		{"a second process ended", "/tasks/exit", "", &events.TaskExit{ContainerID: "aa", ID: "exec-1"}},
		{"deleted", "/tasks/delete", "aa", &events.TaskDelete{ContainerID: "aa"}},
		{"something else", "/tasks/oom", "", &events.TaskOOM{ContainerID: "aa"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, err := parseEvent(tc.topic, encode(tc.message)); err != nil || got != tc.want {
				t.Errorf("got %q (%v), want %q", got, err, tc.want)
			}
		})
	}
	if _, err := parseEvent("/tasks/start", []byte{0xff}); err == nil {
		t.Error("bytes that are not a message were read")
	}
}

func TestParseManifest(t *testing.T) {
	digest := func(c byte) string { return fmt.Sprintf("sha256:%064c", c) }
	index := fmt.Sprintf(`{"manifests":[{"digest":%q,"platform":{"os":"linux","architecture":"s390x"}},{"digest":%q},{"digest":%q,"platform":{"os":%q,"architecture":%q}}]}`,
		digest('1'), digest('2'), digest('3'), runtime.GOOS, runtime.GOARCH)
	for _, tc := range []struct{ name, text, config, manifest string }{
		{"manifest", fmt.Sprintf(`{"config":{"digest":%q}}`, digest('4')), digest('4'), ""},
		{"index", index, "", digest('3')},
	} {
		if config, manifest, err := parseManifest([]byte(tc.text)); err != nil || config != tc.config ||
			manifest != tc.manifest {
			t.Errorf("%s: got %q and %q (%v)", tc.name, config, manifest, err)
		}
	}
	for _, bad := range []string{"", "[]", "{}", `{"manifests":[{"platform":{"os":"plan9"}}]}`} {
		if config, manifest, err := parseManifest([]byte(bad)); err == nil {
			t.Errorf("%q: got %q and %q", bad, config, manifest)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("/tasks/exit", []byte("\x0a\x02aa\x12\x02aa"))
	f.Add("", []byte(`{"annotations":{"io.kubernetes.cri.sandbox-id":"bb"}}`))
	f.Add("", []byte(`{"manifests":[{"digest":"sha256:11","platform":{"os":"linux","architecture":"amd64"}}]}`))
	f.Fuzz(func(t *testing.T, topic string, data []byte) {
		if config, manifest, err := parseManifest(data); err == nil && config != "" && manifest != "" {
			t.Errorf("both %q and %q", config, manifest)
		}
		_ = specAnnotations(data)
		_, _ = parseEvent(topic, data)
	})
}
