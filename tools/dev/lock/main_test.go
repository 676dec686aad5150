package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"github.com/ulikunitz/xz"

	"github.com/rules-gadget/rules_gadget/tools/dev/lock/lockfile"
)

const wantedJSON = `{"libbpf": {"default": "1.0", "bundles": {
  "1.0": {"suite": "stable", "packages": ["libbpf-dev"], "machines": ["any"], "headers": "usr/include", "keep": ["usr/include/bpf/"]},
  "2.0": {"suite": "stable", "packages": ["none"], "machines": ["any"]}}}}`

func pack(t testing.TB, data []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := xz.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func tarball(t testing.TB, files ...string) []byte {
	t.Helper()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// debOf returns a package with these files (path, content, ...).
func debOf(t testing.TB, files ...string) []byte {
	t.Helper()
	text := bytes.NewBufferString("!<arch>\n")
	for _, member := range []struct {
		name string
		data []byte
	}{
		{"debian-binary", []byte("2.0\n")},
		{"control.tar.xz", pack(t, tarball(t, "./control", "Package: p\nVersion: 1\nArchitecture: all\n"))},
		{"data.tar.xz", pack(t, tarball(t, files...))},
	} {
		fmt.Fprintf(text, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", member.name, 0, 0, 0, "100644", len(member.data))
		text.Write(member.data)
		if len(member.data)%2 == 1 {
			text.WriteByte('\n')
		}
	}
	return text.Bytes()
}

// mirrorOf serves a suite with one package, libbpf-dev.
func mirrorOf(t testing.TB, deb []byte) string {
	t.Helper()
	paragraph := fmt.Sprintf("Package: libbpf-dev\nVersion: 1:1.0-1\nFilename: "+
		"pool/main/libb/libbpf/libbpf-dev_1.0-1_amd64.deb\nSize: %d\nSHA256: %x\n",
		len(deb), sha256.Sum256(deb))
	index := pack(t, []byte(paragraph))
	release := fmt.Appendf(nil, "SHA256:\n %x %d main/binary-amd64/Packages.xz\n", sha256.Sum256(index), len(index))
	files := map[string][]byte{
		"/dists/stable/InRelease":                           release,
		"/dists/stable/main/binary-amd64/Packages.xz":       index,
		"/pool/main/libb/libbpf/libbpf-dev_1.0-1_amd64.deb": deb,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if data, found := files[r.URL.Path]; found {
			_, _ = w.Write(data)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// workspace returns a directory with wanted.json, and keeps the tool's cache out of the user's.
func workspace(t *testing.T) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	directory := t.TempDir()
	for _, sub := range []string{"lock", "vmlinux"} {
		if err := os.MkdirAll(filepath.Join(directory, "toolchain", sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(directory, "toolchain", "lock", "wanted.json"), []byte(wantedJSON),
		0o644); err != nil {
		t.Fatal(err)
	}
	return directory
}

func TestLock(t *testing.T) {
	directory := workspace(t)
	deb := debOf(t, "./usr/include/bpf/bpf_helpers.h", "x", "./usr/share/doc/x", "y")
	mirror := mirrorOf(t, deb)
	args := []string{"--workspace=" + directory, "--mirror=" + mirror, "--unverified", "libbpf"}
	path := filepath.Join(directory, "toolchain", "lock", "libbpf.json")
	if err := os.WriteFile(path, []byte(
		`{"format": 1, "bundles": {"0.9": {"suite": "old", "machines": {"any": {"packages": []}}}}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), append(args, "1.0"), strings.NewReader(""), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	lock, err := lockfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := lockfile.Bundle{
		Suite: "stable", Headers: "usr/include",
		Machines: map[string]lockfile.Machine{"any": {Packages: []lockfile.Package{{
			Name: "libbpf-dev", Version: "1:1.0-1", Path: "pool/main/libb/libbpf/libbpf-dev_1.0-1_amd64.deb",
			SHA256: fmt.Sprintf("%x", sha256.Sum256(deb)), Size: int64(len(deb)), Files: []string{"usr/include/bpf/"},
		}}}},
	}
	if diff := cmp.Diff(want, lock.Bundles["1.0"]); diff != "" {
		t.Errorf("bundle (-want +got):\n%s", diff)
	}
	if _, found := lock.Bundles["0.9"]; !found {
		t.Error("locking one bundle dropped another")
	}
}

func TestHelp(t *testing.T) {
	var help strings.Builder
	if err := run(context.Background(), []string{"--help"}, strings.NewReader(""), &help, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"llvm", "libbpf", "test-tools", "vmlinux"} {
		if !strings.Contains(help.String(), want) {
			t.Errorf("the help lacks %q:\n%s", want, help.String())
		}
	}
}

func TestLockErrors(t *testing.T) {
	directory := workspace(t)
	args := []string{
		"--workspace=" + directory, "--mirror=" + mirrorOf(t, debOf(t, "./usr/include/none", "x")), "--unverified",
	}
	tests := map[string]struct {
		args []string
		want string
	}{
		"missing package": {append(args, "libbpf"), `"usr/include/bpf/" is in 0 packages`},
		"no lock yet":     {append(args, "libbpf", "2.0"), "no such file"},
		"no command":      {args, "expected one of"},
		"vmlinux arch":    {append(args, "vmlinux", "--kernel=mips=x"), `unknown arch "mips"`},
		"vmlinux kernel":  {append(args, "vmlinux", "--kernel=amd64="+directory), "unpack one linux-binary package"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := run(context.Background(), test.args, strings.NewReader(""), io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(directory, "toolchain", "lock", "libbpf*")); len(left) > 0 {
		t.Errorf("a failed run leaves %q", left)
	}
}

// TestVmlinux replaces bpftool by a script: what it prints is packed.
func TestVmlinux(t *testing.T) {
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("needs xz")
	}
	directory := workspace(t)
	tools := t.TempDir()
	bpftool := filepath.Join(tools, "bpftool")
	if err := os.WriteFile(bpftool, []byte("#!/bin/sh\necho \"/* $1 $2 $3 $5 $6 */\"\ncat \"$4\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(tools, "usr", "lib", "modules", "6.1.0-1-amd64", "vmlinuz")
	if err := os.MkdirAll(filepath.Dir(image), 0o755); err != nil {
		t.Fatal(err)
	}
	types := &kernelTypes{types: []btf.Type{&btf.Struct{Name: "the_type", Size: 4}}}
	raw, err := types.marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(image, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), []string{
		"--workspace=" + directory, "vmlinux", "--bpftool=" + bpftool,
		"--kernel=arm64=" + tools, "--kernel=amd64=" + tools,
	}, strings.NewReader(""), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(filepath.Join(directory, "toolchain", "vmlinux", archiveFileName))
	if err != nil {
		t.Fatal(err)
	}
	files := filesIn(t, packed)
	for _, name := range []string{"amd64/vmlinux.h", "arm64/vmlinux.h"} {
		if text := files[name]; !strings.HasPrefix(text, "/* btf dump file format c */\n") ||
			!strings.Contains(text, "the_type") {
			t.Errorf("%s is %q", name, text)
		}
	}
}

// filesIn returns the texts of the files of a tar.xz.
func filesIn(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	unpacked, err := xz.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for entries := tar.NewReader(unpacked); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(entries)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(text)
	}
}
