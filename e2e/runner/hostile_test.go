package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// What a command may take that reads something hostile: memory, in bytes, and
// time. A command that pulls an ordinary gadget peaks at 50 MB.
const (
	maxPeak  = 96 << 20
	maxTime  = time.Minute
	maxBytes = 16 << 20 // that a server may get rid of
)

// peakFile names the file into which a gadget-run of a test writes the most
// memory that it had.
const peakFile = "GADGET_RUN_TEST_PEAK"

// writePeak writes VmHWM, which unlike the rusage of a child is this process's own.
func writePeak() {
	name := os.Getenv(peakFile)
	if name == "" {
		return
	}
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		err = os.WriteFile(name, status, 0o600)
	}
	if err != nil {
		panic(err)
	}
}

// victim is a machine on which gadget-run reads something hostile.
type victim struct {
	dir string
	srv *registrytest.Served
	// sent counts what the server got rid of in bodies without end.
	sent atomic.Int64
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	return &victim{dir: t.TempDir(), srv: registrytest.NewServed(t)}
}

// outcome is what a command did.
type outcome struct {
	output string // both streams
	stderr string
	failed bool
	peak   int64
}

// run runs gadget-run in a process of its own, which must end in time and
// within the memory.
func (v *victim) run(t *testing.T, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), maxTime)
	defer cancel()
	peak := filepath.Join(t.TempDir(), "peak")
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Args = append([]string{"gadget-run", "--state", filepath.Join(v.dir, "state")}, args...)
	cmd.Env = []string{
		peakFile + "=" + peak, "HOME=" + v.dir, "TMPDIR=" + v.dir, "XDG_CONFIG_HOME=" + v.dir,
		"GADGET_RUN_REGISTRIES=" + filepath.Join(v.dir, "none.conf"), "PATH=" + os.Getenv("PATH"),
	}
	if err := os.WriteFile(filepath.Join(v.dir, "none.conf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var data, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &data, &messages
	err := cmd.Run()
	out := append(data.Bytes(), messages.Bytes()...)
	if ctx.Err() != nil {
		t.Fatalf("%q did not end within %s: %s", args, maxTime, out)
	}
	got := outcome{output: string(out), stderr: messages.String(), failed: err != nil, peak: peakOf(t, peak, out)}
	got.checkEnd(t, args, cmd.ProcessState.ExitCode())
	if got.peak > maxPeak {
		t.Errorf("%q took %d MB, want at most %d", args, got.peak>>20, maxPeak>>20)
	}
	if n := v.sent.Load(); n > maxBytes {
		t.Errorf("%q read %d MB of a body without end", args, n>>20)
	}
	if len(out) > 1<<20 {
		t.Errorf("%q wrote %d bytes", args, len(out))
	}
	return got
}

// checkEnd checks that a command did what it should, or failed with one sentence
// about the data: never with the trace of a panic, and never without a word.
func (o outcome) checkEnd(t *testing.T, args []string, code int) {
	t.Helper()
	_, sentence, found := strings.Cut("\n"+o.stderr, "\ngadget-run: ")
	switch {
	case code != cli.ExitOK && code != cli.ExitFailed:
		t.Errorf("%q: exit code %d, want 0 or 1: %.2000s", args, code, o.stderr)
	case code == cli.ExitFailed && (!found || strings.HasPrefix(sentence, "internal error")):
		t.Errorf("%q: no sentence about the data: %.2000s", args, o.stderr)
	case code == cli.ExitOK && o.output == "" && !slices.Contains(args, "-q"):
		t.Errorf("%q: success without a word", args)
	}
	if strings.Contains(o.output, "goroutine ") {
		t.Errorf("%q panics: %.2000s", args, o.output)
	}
}

func peakOf(t *testing.T, name string, out []byte) int64 {
	t.Helper()
	status, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("the process died: %.2000s", out)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// refuses checks that a command fails with a short error, and that the
// store stays sound.
func (v *victim) refuses(t *testing.T, want string, args ...string) {
	t.Helper()
	got := v.run(t, args...)
	if !got.failed || !strings.Contains(got.output, want) || len(got.output) > 4096 {
		t.Errorf("%q gives %.2000q, failed %v; want it refused with %q", args, got.output, got.failed, want)
	}
	t.Logf("%d MB: %.300s", got.peak>>20, got.output)
	if got := v.run(t, "image", "fsck"); got.failed {
		t.Errorf("the store is damaged: %s", got.output)
	}
	if got := v.run(t, "image", "list", "-q"); got.failed || strings.Contains(got.output, "hostile") {
		t.Errorf("it was stored: %s", got.output)
	}
}

// ref is the hostile artifact's name.
func (v *victim) ref() string { return v.srv.Addr + "/hostile/g:v1" }

// serve puts a manifest or an index under the tag.
func (v *victim) serve(mediaType, text string, blobs ...oci.Blob) {
	root := oci.NewBlob(mediaType, []byte(text))
	v.srv.Add(append(blobs, root)...)
	v.srv.Tag("v1", root.Descriptor)
}

// gadget serves a gadget of the given parts, whatever they are.
func (v *victim) gadget(metadata, object, layer []byte) {
	config := oci.NewBlob(gadget.ConfigMediaType, metadata)
	m := ocispec.Manifest{
		MediaType: ocispec.MediaTypeImageManifest, ArtifactType: gadget.ArtifactType, Config: config.Descriptor,
	}
	m.SchemaVersion = 2
	v.srv.Add(config)
	for mediaType, data := range map[string][]byte{gadget.EBPFMediaType: object, gadget.BTFMediaType: layer} {
		if len(data) > 0 {
			b := oci.NewBlob(mediaType, data)
			v.srv.Add(b)
			m.Layers = append(m.Layers, b.Descriptor)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	v.serve(ocispec.MediaTypeImageManifest, string(text))
}

// endless answers with a head and then, forever, with the same bytes.
func (v *victim) endless(part, mediaType string, status int, head, again string) {
	v.srv.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, part) {
			return false
		}
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		if r.Method == http.MethodHead {
			return true
		}
		chunk := []byte(strings.Repeat(again, 1+(1<<16)/len(again)))
		n, err := io.WriteString(w, head)
		for err == nil && v.sent.Load() < 1<<30 {
			v.sent.Add(int64(n))
			n, err = w.Write(chunk)
		}
		return true
	}
}

func descriptor(mediaType, data string) string {
	d, err := json.Marshal(oci.Describe(mediaType, []byte(data)))
	if err != nil {
		panic(err)
	}
	return string(d)
}

// many joins the results of f for 0 to n-1 by commas.
func many(n int, f func(int) string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = f(i)
	}
	return strings.Join(all, ",")
}
