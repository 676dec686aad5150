package vm

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// entry is one entry of a cpio archive, as parseCPIO reads it.
type entry struct {
	name, data string
	mode       uint64
}

// parseCPIO reads a newc archive, to see what the writer wrote.
func parseCPIO(t *testing.T, b []byte) []entry {
	t.Helper()
	var out []entry
	for off := 0; ; {
		if string(b[off:off+6]) != "070701" {
			t.Fatalf("no header at byte %d", off)
		}
		field := func(i int) int {
			n, err := strconv.ParseUint(string(b[off+6+8*i:off+14+8*i]), 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
		align := func(n int) int { return (n + 3) &^ 3 }
		size, nameLen := field(6), field(11)
		name := string(b[off+110 : off+110+nameLen-1])
		data := align(off + 110 + nameLen)
		if name == cpioTrailer {
			return out
		}
		out = append(out, entry{name, string(b[data : data+size]), uint64(field(1))})
		off = align(data + size)
	}
}

func TestWriteInitramfs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("from disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := []File{
		{Name: "vm/plan", Data: []byte("12345"), Mode: 0o644},
		{Name: "bin/x", Path: path, Mode: 0o755},
		{Name: "bin/y", Mode: 0o644},
	}
	var a, b bytes.Buffer
	if err := WriteInitramfs(&a, files); err != nil {
		t.Fatal(err)
	}
	files[0], files[1] = files[1], files[0]
	if err := WriteInitramfs(&b, files); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the order of files changes the archive")
	}
	want := []entry{
		{"bin", "", 0o40755},
		{"bin/x", "from disk", 0o100755},
		{"bin/y", "", 0o100644},
		{"dev", "", 0o40755},
		{"dev/console", "", 0o20600},
		{"vm", "", 0o40755},
		{"vm/plan", "12345", 0o100644},
	}
	if diff := cmp.Diff(want, parseCPIO(t, a.Bytes()), cmp.AllowUnexported(entry{})); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestWriteInitramfsRefuses(t *testing.T) {
	for name, files := range map[string][]File{
		"absolute": {{Name: "/x"}}, "above": {{Name: "../x"}}, "empty": {{}}, "twice": {{Name: "x"}, {Name: "x"}},
		"trailer": {{Name: cpioTrailer}}, "not clean": {{Name: "a//b"}}, "no such file": {{Name: "x", Path: "/no/such/file"}},
	} {
		if err := WriteInitramfs(&bytes.Buffer{}, files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestEventMatches(t *testing.T) {
	got := Event{}
	const line = `{"fname":"/etc/x","fd":3,"proc":{"comm":"workload","pid":7},"tags":["a","b"],"ok":true,"none":null}`
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	for want, match := range map[string]bool{
		`{"fname":"/etc/x"}`:                   true,
		`{"fd":3,"ok":true,"none":null}`:       true,
		`{"proc":{"comm":"workload"}}`:         true,
		`{"fname":"*etc*"}`:                    true,
		`{"tags":["a","b"]}`:                   true,
		`{"tags":["a"]}`:                       false,
		`{"fname":"etc"}`:                      false,
		`{"fname":"*usr*"}`:                    false,
		`{"fd":"3"}`:                           false,
		`{"proc":{"comm":"workload","tid":7}}`: false,
		`{"proc":"workload"}`:                  false,
		`{"absent":null}`:                      false,
	} {
		events, err := ParseEvents([]string{want})
		if err != nil {
			t.Fatal(err)
		}
		if events[0].Matches(got) != match {
			t.Errorf("%s matches: %v, want %v", want, !match, match)
		}
	}
	for _, bad := range []string{"", "{}", "[]", "x", `"x"`} {
		if _, err := ParseEvents([]string{bad}); err == nil {
			t.Errorf("ParseEvents(%q): no error", bad)
		}
	}
}

func TestMatcher(t *testing.T) {
	m := NewMatcher([]Event{{"a": "1"}, {"b": "2"}})
	for _, line := range []string{"no JSON", "[not either", `{"a":"2"}`, `{"a":"1"}`, `{"a":"1"}`} {
		m.Line(line)
	}
	if m.Done() || len(m.Missing()) != 1 {
		t.Errorf("after one of two: done %v, missing %v", m.Done(), m.Missing())
	}
	if m.Line(`[{"c":"3"},{"b":"2"}]`); !m.Done() || m.Missing() != nil {
		t.Errorf("after both: done %v, missing %v", m.Done(), m.Missing())
	}
}

func TestParseResult(t *testing.T) {
	const boot, done = `{"kind":"boot","text":"6.1","btf":true}` + "\r\n", `{"kind":"done"}` + "\n"
	expect := []Event{{"x": "y"}}
	tests := []struct {
		name, report string
		want         Result
		err          string
	}{
		{
			"good", boot + `{"kind":"stdout","text":"{\"x\":\"y\"}"}` + "\n" + `{"kind":"stderr","text":"hi"}` + "\n" +
				`{"kind":"exit","code":3}` + "\n" + done,
			Result{Release: "6.1", BTF: true, Stdout: []string{`{"x":"y"}`}, Stderr: []string{"hi"}, Exit: 3},
			"",
		},
		{"nothing came", boot + done, Result{Release: "6.1", BTF: true, Missing: expect}, ""},
		{
			"guest error", `{"kind":"error","text":"no port"}` + "\n" + done,
			Result{Errors: []string{"no port"}, Missing: expect},
			"",
		},
		{"no boot", "", Result{Missing: expect}, ErrNoBoot.Error()},
		{"died", boot + `{"kind":"std`, Result{Release: "6.1", BTF: true, Missing: expect}, "did not come to its end"},
		{
			"line too long", boot + strings.Repeat("x", 3*maxLine),
			Result{Release: "6.1", BTF: true, Missing: expect},
			"reading the guest's report",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseResult(strings.NewReader(tt.report), expect)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

// fakeQEMU writes a program that takes QEMU's command line and does body; $results is the file of results.
func fakeQEMU(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "qemu")
	script := "#!/bin/sh\nfor a; do case $a in file,*path=*) results=${a#*path=};; esac; done\n" + body + "\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil { // a program
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	guest := filepath.Join(t.TempDir(), "guest")
	if err := os.WriteFile(guest, []byte("guest"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := fakeQEMU(t, `echo hello; echo '{"kind":"boot","text":"6.1"}' > $results; echo '{"kind":"done"}' >> $results`)
	var console bytes.Buffer
	res, err := Run(t.Context(), Machine{QEMU: good, Kernel: "k", Init: guest, Console: &console})
	if err != nil || res.Release != "6.1" || console.String() != "hello\n" {
		t.Errorf("Run = %+v, %v, console %q", res, err, console.String())
	}
	panics := fakeQEMU(t, `echo Kernel panic`)
	if _, err := Run(t.Context(), Machine{QEMU: panics, Kernel: "k", Init: guest}); !errors.Is(err, ErrNoBoot) ||
		!strings.Contains(err.Error(), "Kernel panic") {
		t.Errorf("a kernel that panics gives %v", err)
	}
	if _, err := Run(t.Context(), Machine{QEMU: "/no/such/qemu", Init: guest}); !errors.Is(err, ErrNoQEMU) ||
		!strings.HasPrefix(err.Error(), "needs ") {
		t.Errorf("no QEMU gives %v", err)
	}
	if _, err := Run(t.Context(), Machine{QEMU: good, Init: "/no/such/init"}); err == nil {
		t.Error("no guest program, no error")
	}
}

// A machine that hangs at its second start is ended when time is up, and the first one has been tried again.
func TestRunRetriesAndEnds(t *testing.T) {
	guest := filepath.Join(t.TempDir(), "guest")
	if err := os.WriteFile(guest, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(t.TempDir(), "mark")
	once := fakeQEMU(t, fmt.Sprintf(
		`[ -e %[1]s ] && { echo '{"kind":"boot"}' > $results; echo '{"kind":"done"}' >> $results; exit; }; touch %[1]s`,
		mark))
	if _, err := Run(t.Context(), Machine{QEMU: once, Init: guest}); err != nil {
		t.Errorf("the second start was good, but Run says %v", err)
	}
}

func TestTailWriter(t *testing.T) {
	w := &tailWriter{limit: 4}
	for _, s := range []string{"a", "bcdef", "", "gh"} {
		if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	if string(w.buf) != "efgh" {
		t.Errorf("kept %q", w.buf)
	}
}

func TestPlanTravels(t *testing.T) {
	p := Plan{
		HideBTF: true, Gadget: []string{"a", "b c"}, Timeout: Seconds(1500 * time.Millisecond), Expect: []Event{{"x": "y"}},
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var got Plan
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if !bytes.Contains(data, []byte(`"timeout":1.5`)) {
		t.Errorf("the timeout is not in seconds: %s", data)
	}
}

func TestWorkload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	for _, args := range [][]string{
		{"true"},
		{"create", path},
		{"open", path},
		{"open", "/no/such/file"},
		{"exec", "/bin/true"},
	} {
		if err := Workload(t.Context(), args); err != nil {
			t.Errorf("Workload(%q) = %v", args, err)
		}
	}
	for _, args := range [][]string{nil, {"open"}, {"dance"}, {"exec"}, {"exec", "/no/such/file"}} {
		if err := Workload(t.Context(), args); err == nil {
			t.Errorf("Workload(%q): no error", args)
		}
	}
}

func FuzzParseResult(f *testing.F) {
	f.Add([]byte(`{"kind":"boot"}` + "\n" + `{"kind":"stdout","text":"[{}]"}` + "\n" + `{"kind":"done"}`))
	f.Add(binary.LittleEndian.AppendUint64(nil, 42))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = parseResult(bytes.NewReader(data), []Event{{"a": 1}})
	})
}
