package main

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/therootcompany/xz"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
)

// testBTF is BTF with a single integer type.
func testBTF() []byte {
	le := binary.LittleEndian
	out := []byte{0x9f, 0xeb, 1, 0}
	for _, w := range []uint32{24, 0, 16, 16, 5, 1, 1 << 24, 4, 32} {
		out = le.AppendUint32(out, w)
	}
	return append(out, "\x00int\x00"...)
}

// testDeb is a package with one file.
func testDeb(t *testing.T, architecture, name string, data []byte) []byte {
	t.Helper()
	tarball := func(name string, data []byte) []byte {
		var buf bytes.Buffer
		tw := tar.NewWriter(&buf)
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := tw.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	out := []byte("!<arch>\n")
	for name, body := range map[string][]byte{"control.tar": tarball("./control",
		[]byte("Package: k\nArchitecture: "+architecture+"\n"))} {
		out = fmt.Appendf(out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", name, 0, 0, 0, "100644", len(body), body)
	}
	body := tarball("./"+name, data)
	return fmt.Appendf(out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n%s", "data.tar", 0, 0, 0, "100644", len(body), body)
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o700); err != nil { // a script among them
		t.Fatal(err)
	}
	return path
}

func runArgs(t *testing.T, args []string, stdout, stderr io.Writer) error {
	return run(t.Context(), args, nil, stdout, stderr)
}

func isUsage(err error) bool {
	usage := (*tool.UsageError)(nil)
	return errors.As(err, &usage)
}

// member returns the name and content of the archive's member.
func member(t *testing.T, path string) (string, []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := xz.NewReader(bytes.NewReader(data), 0)
	if err != nil {
		t.Fatal(err)
	}
	tr := tar.NewReader(z)
	h, err := tr.Next()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(tr)
	if err != nil {
		t.Fatal(err)
	}
	return h.Name, body
}

func TestRun(t *testing.T) {
	raw := testBTF()
	tests := []struct {
		name, input string
		data        []byte
		args        []string
		want        string // path of the archive
	}{
		{"raw BTF", "6.6.6-x.btf", raw, []string{"--arch=arm64"}, "d/1/arm64/6.6.6-x.btf.tar.xz"},
		{"release given", "vmlinux", raw, []string{"--arch=x86_64", "--release=4.19.0"}, "d/1/x86_64/4.19.0.btf.tar.xz"},
		{"image name", "vmlinuz-5.4.0-1", raw, []string{"--arch=amd64"}, "d/1/x86_64/5.4.0-1.btf.tar.xz"},
		{
			"package", "k.deb", testDeb(t, "amd64", "boot/vmlinuz-5.4.0-1", raw),
			[]string{"--arch=amd64"},
			"d/1/x86_64/5.4.0-1.btf.tar.xz",
		},
		{
			"package since 6.19", "k.deb", testDeb(t, "arm64", "usr/lib/modules/7.3.4+deb13-cloud-arm64/vmlinuz", raw),
			[]string{"--arch=arm64"},
			"d/1/arm64/7.3.4+deb13-cloud-arm64.btf.tar.xz",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := t.TempDir()
			args := append([]string{"--out=" + out, "--distro=d", "--version=1", write(t, tt.input, tt.data)}, tt.args...)
			var stdout bytes.Buffer
			if err := runArgs(t, args, &stdout, t.Output()); err != nil {
				t.Fatal(err)
			}
			path := strings.TrimSpace(stdout.String())
			if got, _ := filepath.Rel(out, path); filepath.ToSlash(got) != tt.want {
				t.Errorf("wrote %q, want %q", got, tt.want)
			}
			name, body := member(t, path)
			if want := strings.TrimSuffix(filepath.Base(path), ".tar.xz"); name != want || !bytes.Equal(body, raw) {
				t.Errorf("member %q of %d bytes, want %q", name, len(body), want)
			}
		})
	}
}

func TestRunKeepsGoing(t *testing.T) {
	out := t.TempDir()
	good, bad := write(t, "vmlinux-1.btf", testBTF()), write(t, "vmlinux-2", []byte("garbage"))
	var stdout, stderr bytes.Buffer
	err := runArgs(t, []string{"--out=" + out, "--distro=d", "--version=1", "--arch=amd64", bad, good}, &stdout, &stderr)
	if err == nil || isUsage(err) {
		t.Errorf("run = %v, want an error that is not about usage", err)
	}
	if !strings.Contains(stdout.String(), "1.btf.tar.xz") || !strings.Contains(stderr.String(), "no kernel image") {
		t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
	}
}

func TestRunKeepsExisting(t *testing.T) {
	args := []string{"--out=" + t.TempDir(), "--distro=d", "--version=1", "--arch=amd64", write(t, "1.btf", testBTF())}
	var stdout bytes.Buffer
	if err := runArgs(t, args, &stdout, t.Output()); err != nil {
		t.Fatal(err)
	}
	path := strings.TrimSpace(stdout.String())
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := runArgs(t, args, io.Discard, t.Output()); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "mine" {
		t.Error("an archive was replaced without --force")
	}
	if err := runArgs(t, append(args, "--force"), io.Discard, t.Output()); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) == "mine" {
		t.Error("--force replaced nothing")
	}
}

func TestRunRefuses(t *testing.T) {
	raw := write(t, "vmlinux", testBTF())
	elf := write(t, "vmlinux-1", []byte("\x7fELF"))
	other := write(t, "k.deb", testDeb(t, "all", "usr/bin/x", nil))
	wrong := write(t, "k.deb", testDeb(t, "arm64", "boot/vmlinuz-1", testBTF()))
	base := []string{"--out=" + t.TempDir(), "--distro=d", "--version=1"}
	tests := []struct {
		name  string
		args  []string
		want  string
		usage bool
	}{
		{"no input", base, "no input", true},
		{"neither directory nor file", []string{raw}, "--out", true},
		{"both directory and file", append(base, "--file=x", raw), "--out", true},
		{"file of two inputs", []string{"--file=x", raw, raw}, "one input", true},
		{"no distro", []string{"--out=x", raw}, "--distro", true},
		{"bad arch", append(base, "--arch=vax", raw), "unknown architecture", true},
		{"one release, two inputs", append(base, "--release=1", raw, raw), "--release", true},
		{"no release", append(base, "--arch=amd64", raw), "give --release", false},
		{"no arch", append(base, "--release=1", raw), "give --arch", false},
		{"slash in the release", append(base, "--release=a/b", "--arch=amd64", raw), "file name", false},
		{
			"directory above",
			[]string{"--out=x", "--distro=..", "--version=1", "--release=1", "--arch=amd64", raw},
			"cannot be a directory", false,
		},
		{"truncated ELF", append(base, elf), "reading a vmlinux", false},
		{"package without kernel", append(base, other), "linux-binary", false},
		{"package for another arch", append(base, "--arch=amd64", wrong), "for arm64", false},
		{"no file", append(base, filepath.Join(t.TempDir(), "none")), "no such file", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			err := runArgs(t, tt.args, io.Discard, &stderr)
			if err == nil || isUsage(err) != tt.usage {
				t.Fatalf("run = %v, usage error wanted: %v", err, tt.usage)
			}
			if all := err.Error() + stderr.String(); !strings.Contains(all, tt.want) {
				t.Errorf("error %q lacks %q", all, tt.want)
			}
		})
	}
}

func TestFromDWARF(t *testing.T) {
	c := add{Pahole: write(t, "pahole", []byte("#!/bin/sh\ncp \"$3\" \"${1#*=}\"\n"))}
	got, err := c.fromDWARF(t.Context(), write(t, "vmlinux", testBTF()))
	if err != nil || !bytes.Equal(got, testBTF()) {
		t.Errorf("fromDWARF = %d bytes, %v", len(got), err)
	}
	c.Pahole = write(t, "pahole", []byte("#!/bin/sh\necho no luck; exit 3\n"))
	if _, err := c.fromDWARF(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("a failing pahole gives %v", err)
	}
	c.Pahole = filepath.Join(t.TempDir(), "none")
	if _, err := c.fromDWARF(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "install pahole") {
		t.Errorf("a missing pahole gives %v", err)
	}
}
