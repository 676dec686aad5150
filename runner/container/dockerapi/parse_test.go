package dockerapi

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

func TestParseIDs(t *testing.T) {
	got, err := parseIDs([]byte(`[{"Id":"aa","Labels":null},{"Id":"bb","Labels":{"io.kubernetes.docker.type":"podsandbox"}},{"Id":""},{"Id":"cc"}]`))
	if diff := cmp.Diff([]string{"aa", "cc"}, got); err != nil || diff != "" {
		t.Errorf("%v -want +got:\n%s", err, diff)
	}
}

func TestParseContainer(t *testing.T) {
	got, err := parseContainer([]byte(
		`{"Id":"aa","Name":"/web","Image":"sha256:11","State":{"Pid":42,"Running":true,"StartedAt":"2026-01-02T03:04:05.6Z"},
		"Config":{"Image":"nginx:1.21@sha256:22","Labels":{"io.kubernetes.sandbox.id":"bb"}}}`))
	want := source.Info{
		ID: "aa", Name: "web", ImageName: "nginx:1.21", ImageID: "sha256:11", ImageDigest: "sha256:22", PID: 42,
		StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 600000000, time.UTC), SandboxID: "bb",
		Labels: map[string]string{"io.kubernetes.sandbox.id": "bb"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v -want +got:\n%s", err, diff)
	}
	for name, text := range map[string]string{
		"ended":    `{"Id":"aa","State":{"Pid":0,"Running":false}}`,
		"sandbox":  `{"Id":"aa","State":{"Pid":1,"Running":true},"Config":{"Labels":{"io.kubernetes.docker.type":"podsandbox"}}}`,
		"negative": `{"Id":"aa","State":{"Pid":-1,"Running":true}}`,
		"too high": `{"Id":"aa","State":{"Pid":4294967338,"Running":true}}`,
	} {
		if _, err := parseContainer([]byte(text)); !errors.Is(err, source.ErrGone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParsePodman(t *testing.T) {
	const id = "94116b43cf45679f8707bf6e02be09dbc6269771ec7a0b06a181f4c56f59e6d3"
	got, err := parsePodman([]byte(`[
		{"Id":"aa","Names":["web","w"],"Image":"localhost/web:v1","ImageID":"` + id + `","Pid":42,"StartedAt":1700000000,"Pod":"pp","PodName":"shop"},
		{"Id":"bb","Names":["infra"],"Pid":43,"IsInfra":true,"Pod":"pp"},
		{"Id":"cc","Names":["ended"],"Pid":0}]`))
	want := []source.Info{{
		ID: "aa", Name: "web", ImageName: "localhost/web:v1", ImageID: "sha256:" + id, PID: 42,
		StartedAt: time.Unix(1700000000, 0), SandboxID: "pp", PodName: "shop",
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v -want +got:\n%s", err, diff)
	}
}

func TestParseImage(t *testing.T) {
	for text, want := range map[string]string{
		`{"RepoDigests":["r.example/a@sha256:11","r.example/b@sha256:22"]}`: "sha256:11",
		`{"RepoDigests":["none"]}`: "", `{"RepoDigests":null}`: "", `{}`: "",
	} {
		if got, err := parseImage([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %q (%v), want %q", text, got, err, want)
		}
	}
}

func TestParseEvent(t *testing.T) {
	for text, want := range map[string]string{
		`{"Type":"container","Action":"start","Actor":{"ID":"aa"}}`: "aa",
		`{"Type":"image","Action":"pull","Actor":{"ID":"bb"}}`:      "",
		`{}`: "",
	} {
		if got, err := parseEvent([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %q (%v), want %q", text, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`[{"Id":"aa","Names":["web"],"Pid":42,"StartedAt":1700000000,"Labels":{"a":"b"}}]`))
	f.Add([]byte(`{"Id":"aa","Name":"/web","State":{"Pid":42,"Running":true,"StartedAt":"2026-01-02T03:04:05.6Z"}}`))
	f.Add([]byte(`{"Type":"container","Actor":{"ID":"aa"},"RepoDigests":["a@sha256:1"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, err := parseContainer(data); err == nil && info.PID == 0 {
			t.Error("a container without a process")
		}
		infos, _ := parsePodman(data)
		for _, info := range infos {
			if info.PID == 0 || info.ID == "" {
				t.Errorf("a container without a process or ID: %+v", info)
			}
		}
		_, _ = parseIDs(data)
		_, _ = parseImage(data)
		_, _ = parseEvent(data)
	})
}
