package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// samples are those of a service that grows by a number of KiB with each.
func samples(grows int) []sample {
	var all []sample
	for i := range 40 {
		all = append(all, sample{
			at: time.Duration(i+1) * time.Second, rss: 40000 + grows*i, files: 100, threads: 10, bpf: 30, events: 100 * i,
			containers: i,
		})
	}
	return all
}

func reportOf(all []sample) report {
	return report{
		options: options{duration: 40 * time.Second, containers: 40, events: 4000, growth: 10}, samples: all, named: 100,
	}
}

func TestVerdict(t *testing.T) {
	tests := []struct {
		name string
		edit func([]sample)
		want string
	}{
		{"flat", func([]sample) {}, ""},
		{"memory", func(all []sample) {
			for i := range all {
				all[i].rss += 400 * i
			}
		}, "resident memory"},
		{"a descriptor with each sample", func(all []sample) {
			for i := range all {
				all[i].files += i
			}
		}, "file descriptors grew"},
		{"a map more", func(all []sample) { setLast(all, func(s *sample) { s.bpf = 31 }) }, "eBPF maps"},
		{"nothing happened", func(all []sample) { setLast(all, func(s *sample) { s.events = 10 }) }, "nothing is proven"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			all := samples(0)
			test.edit(all)
			err := reportOf(all).verdict()
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// setLast edits the samples of the last quarter.
func setLast(all []sample, edit func(*sample)) {
	for i := range len(all) / 4 {
		edit(&all[len(all)-1-i])
	}
}

func TestSVG(t *testing.T) {
	svg := reportOf(samples(10)).svg()
	for dec := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
	if got := bytes.Count(svg, []byte("<polyline")); got != 4 {
		t.Errorf("%d curves, want 4", got)
	}
}

// TestRuntime sends the requests of gadget-run.
func TestRuntime(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	r, err := startRuntime(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial}}
	get := func(path string) *http.Response {
		t.Helper()
		resp, err := client.Get("http://docker" + path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	events := json.NewDecoder(get("/events").Body)
	r.add(container{id: "1", name: "one", pid: 7})
	var e event
	if err := events.Decode(&e); err != nil || e.Action != "start" || e.Actor.ID != "1" {
		t.Errorf("got %+v, %v, want the start", e, err)
	}
	if text, _ := io.ReadAll(get("/containers/1/json").Body); !bytes.Contains(text, []byte(`"Pid":7`)) {
		t.Errorf("the container is %s", text)
	}
	r.remove("1")
	if err := events.Decode(&e); err != nil || e.Action != "die" {
		t.Errorf("got %+v, %v, want the end", e, err)
	}
	if got := get("/containers/1/json").StatusCode; got != http.StatusNotFound {
		t.Errorf("a container that is gone: answer %d", got)
	}
}

// TestSample reads what a process has.
func TestSample(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Process = &os.Process{Pid: os.Getpid()}
	one, err := (&service{cmd: cmd}).sample(time.Second)
	if err != nil || one.rss == 0 || one.threads == 0 || one.files < 3 {
		t.Errorf("got %+v, %v, want figures of this process", one, err)
	}
}

func TestSummary(t *testing.T) {
	got := summary("lost 3 events\nready\nlost 40 events\n")
	if want := "     2 times: lost 3 events\n     1 times: ready\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
