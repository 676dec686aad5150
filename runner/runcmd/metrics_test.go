package runcmd

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestMetricsOfRun reads from a running gadget how many files each process opened.
func TestMetricsOfRun(t *testing.T) {
	gadgettest.NeedsKernel(t)
	_, stderr, stop := start(t, newNode(), "counts.bpf.o", Cmd{
		Output:       "none",
		MetricsFlags: MetricsFlags{OTelMetricsListen: "127.0.0.1:0"},
		Annotate: []string{
			"counts:metrics.collect=true", "counts:fetch-interval=20ms", "counts.opens:metrics.type=counter",
		},
	})
	url := regexp.MustCompile(`http://\S+/metrics`)
	waitFor(t, "the ready line", func() bool { return strings.Contains(stderr.String(), "ready") })
	at := url.FindString(stderr.String())
	waitFor(t, "a count", func() bool {
		_, _ = os.Open("metrics-test")
		resp, err := http.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(body), `opens_total{otel_scope_name="counts"} `)
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(at); err == nil {
		t.Error("the metrics are served after the run")
	}
}

func TestMetricsOfNothing(t *testing.T) {
	gadgettest.NeedsKernel(t)
	_, _, stop := start(t, newNode(), "counts.bpf.o", Cmd{MetricsFlags: MetricsFlags{OTelMetricsListen: "127.0.0.1:0"}})
	if err := stop(); err == nil || !strings.Contains(err.Error(), "metrics.collect=true") {
		t.Errorf("a gadget without metrics: %v", err)
	}
}

// TestSentToCollector sends counts, events and stacks of a running gadget to a server that
// replaces a collector.
func TestSentToCollector(t *testing.T) {
	gadgettest.NeedsKernel(t)
	var mu sync.Mutex
	received := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		for path, word := range map[string]string{
			"/v1/metrics": "opens", "/v1/logs": "opens", "/v1development/profiles": "opens",
		} {
			if err == nil && r.URL.Path == path && bytes.Contains(body, []byte(word)) {
				received[path] = true
			}
		}
	}))
	defer server.Close()
	_, stderr, stop := start(t, newNode(), "counts.bpf.o", Cmd{
		Output: "none",
		MetricsFlags: MetricsFlags{
			OTelMetricsExporter: server.URL, OTelLogsExporter: server.URL, OTelProfilesExporter: server.URL,
		},
		Annotate: []string{
			"counts:metrics.collect=true", "counts:fetch-interval=20ms", "counts.opens:metrics.type=counter",
			"counts:profiles.stack-fields=pid", "counts:profiles.type=opens",
		},
	})
	waitFor(t, "events at the collector", func() bool {
		_, _ = os.Open("collector-test")
		mu.Lock()
		defer mu.Unlock()
		return received["/v1/logs"]
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/v1/metrics", "/v1development/profiles"} {
		if !received[path] {
			t.Errorf("nothing for %s at the end; the run says %q", path, stderr.String())
		}
	}
}

// TestNoStacksToSend refuses to send profiles of a gadget that has no stacks.
func TestNoStacksToSend(t *testing.T) {
	s := &session{cmd: &Cmd{MetricsFlags: MetricsFlags{OTelProfilesExporter: "http://127.0.0.1:1"}}}
	ev := &events{sources: []*field.Source{{Name: "counts"}}, parts: make([]part, 1)}
	want := "--otel-profiles-exporter: the gadget has no stacks, annotate a data source with profiles.stack-fields=FIELD"
	if _, err := s.send(ev); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
