package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/rules-gadget/rules_gadget/tools/dev/lock/lockfile"
)

const (
	vmlinuxFormat   = 1
	headerFileName  = "vmlinux.h"
	archiveFileName = "vmlinux.tar.xz"
)

type vmlinuxCommand struct {
	Bpftool string            `help:"bpftool that prints the header: 7.5 or newer, for the prototypes of kfuncs." default:"bpftool"`
	Kernels map[string]string `name:"kernel" required:"" help:"Arch and directory with Debian's linux-binary and linux-modules packages, unpacked, such as amd64=DIR; once for every arch."`
	Older   map[string]string `placeholder:"ARCH=DIR" help:"Arch and directory with an older kernel, whose types that are gone are kept."`
}

// vmlinuxLock is toolchain/lock/vmlinux.json.
type vmlinuxLock struct {
	Format  int                    `json:"format"`
	SHA256  string                 `json:"sha256"`  // of the archive
	Headers map[string]lockedEntry `json:"headers"` // by arch of the gadget, <arch>/vmlinux.h in the archive
}

type lockedEntry struct {
	Release string `json:"release"`    // of the kernel whose types the header holds
	BTF     string `json:"btf_sha256"` // of the merged BTF that the header was printed from
}

func (c *vmlinuxCommand) run(ctx context.Context, workspace string) error {
	lock := vmlinuxLock{Format: vmlinuxFormat, Headers: map[string]lockedEntry{}}
	for arch := range c.Kernels {
		if arch == lockfile.AnyMachine || triplets[arch] == "" {
			return fmt.Errorf("unknown arch %q, use the names of Go, such as amd64", arch)
		}
	}
	images, err := imageNames(c.Kernels, c.Older)
	if err != nil {
		return err
	}
	headers := map[string][]byte{}
	for arch := range c.Kernels {
		lock.Headers[arch], headers[arch], err = c.header(ctx, arch, images)
		if err != nil {
			return fmt.Errorf("making the header for %s: %w", arch, err)
		}
	}
	packed, err := packHeaders(ctx, headers)
	if err != nil {
		return err
	}
	lock.SHA256 = sum(packed)
	if err := os.WriteFile(filepath.Join(workspace, "toolchain", "vmlinux", archiveFileName), packed, 0o644); err != nil {
		return err
	}
	text, err := json.MarshalIndent(lock, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(workspace, "toolchain", "lock", "vmlinux.json"), append(text, '\n'), 0o644)
}

// header returns the types of an unpacked kernel as C.
func (c *vmlinuxCommand) header(ctx context.Context, arch string, images map[string]bool) (lockedEntry, []byte, error) {
	release, btf, err := mergedBTF(c.Kernels[arch], c.Older[arch], images)
	if err != nil {
		return lockedEntry{}, nil, err
	}
	text, err := c.dump(ctx, btf)
	return lockedEntry{Release: release, BTF: sum(btf)}, text, err
}

func (c *vmlinuxCommand) dump(ctx context.Context, btf []byte) ([]byte, error) {
	file, err := os.CreateTemp("", "btf-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(btf)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	return output(ctx, nil, c.Bpftool, "btf", "dump", "file", file.Name(), "format", "c")
}

// packHeaders returns a tar.xz of the headers, which have most of their lines in common: packed together they take
// little more than one. The xz program packs a fifth better than the Go library does, and a release of it gives the
// same bytes for the same text.
func packHeaders(ctx context.Context, headers map[string][]byte) ([]byte, error) {
	var unpacked bytes.Buffer
	entries := tar.NewWriter(&unpacked)
	for _, arch := range slices.Sorted(maps.Keys(headers)) {
		err := entries.WriteHeader(&tar.Header{
			Name: arch + "/" + headerFileName, Mode: 0o644, Size: int64(len(headers[arch])), Format: tar.FormatUSTAR,
		})
		if err == nil {
			_, err = entries.Write(headers[arch])
		}
		if err != nil {
			return nil, err
		}
	}
	if err := entries.Close(); err != nil {
		return nil, err
	}
	return output(ctx, &unpacked, "xz", "--compress", "--stdout", "--threads=1", "-9e")
}

// output runs a program of this machine and returns what it prints.
func output(ctx context.Context, stdin io.Reader, program string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	command.Stdin, command.Stderr = stdin, &stderr
	text, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("running %s: %w: %s", program, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return text, nil
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}
