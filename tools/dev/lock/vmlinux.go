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
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/tools/dev/lock/lockfile"
)

const (
	vmlinuxFormat  = 1
	headerFileName = "vmlinux.h"
)

type vmlinuxCommand struct {
	Bpftool string            `help:"bpftool that prints the header: 7.5 or newer, for the prototypes of kfuncs." default:"bpftool"`
	Kernels map[string]string `name:"kernel" required:"" help:"Arch and directory with Debian's linux-binary and linux-modules packages, unpacked, such as amd64=DIR; once for every arch."`
	Older   map[string]string `placeholder:"ARCH=DIR" help:"Arch and directory with an older kernel, whose types that are gone are kept."`
}

// vmlinuxLock is toolchain/lock/vmlinux.json.
type vmlinuxLock struct {
	Format  int                    `json:"format"`
	Headers map[string]lockedEntry `json:"headers"` // by arch of the gadget
}

type lockedEntry struct {
	Release string `json:"release"` // of the kernel whose types the header holds
	File    string `json:"file"`    // in toolchain/vmlinux
	SHA256  string `json:"sha256"`
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
	for arch := range c.Kernels {
		entry, err := c.header(ctx, arch, images, filepath.Join(workspace, "toolchain", "vmlinux"))
		if err != nil {
			return fmt.Errorf("making the header for %s: %w", arch, err)
		}
		lock.Headers[arch] = entry
	}
	text, err := json.MarshalIndent(lock, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(workspace, "toolchain", "lock", "vmlinux.json"), append(text, '\n'), 0o644)
}

// header prints the types of an unpacked kernel as C, packs it and removes the header of another release.
func (c *vmlinuxCommand) header(ctx context.Context, arch string, images map[string]bool,
	directory string,
) (lockedEntry, error) {
	release, btf, err := mergedBTF(c.Kernels[arch], c.Older[arch], images)
	if err != nil {
		return lockedEntry{}, err
	}
	text, err := c.dump(ctx, btf)
	if err != nil {
		return lockedEntry{}, err
	}
	packed, err := packHeader(ctx, text)
	if err != nil {
		return lockedEntry{}, err
	}
	entry := lockedEntry{
		Release: release, File: "vmlinux-" + arch + "-" + release + ".tar.xz", SHA256: sum(packed), BTF: sum(btf),
	}
	old, err := filepath.Glob(filepath.Join(directory, "vmlinux-"+arch+"-*.tar.xz"))
	if err != nil {
		return lockedEntry{}, err
	}
	for _, file := range old {
		err = errors.Join(err, os.Remove(file))
	}
	return entry, errors.Join(err, os.WriteFile(filepath.Join(directory, entry.File), packed, 0o644))
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

// packHeader returns a tar.xz of the header alone. The xz program packs a fifth better than the Go library does, and a
// release of it gives the same bytes for the same text.
func packHeader(ctx context.Context, text []byte) ([]byte, error) {
	var unpacked bytes.Buffer
	entries := tar.NewWriter(&unpacked)
	err := entries.WriteHeader(&tar.Header{
		Name: headerFileName, Mode: 0o644, Size: int64(len(text)), Format: tar.FormatUSTAR,
	})
	if err == nil {
		_, err = entries.Write(text)
	}
	if err := errors.Join(err, entries.Close()); err != nil {
		return nil, err
	}
	return output(ctx, &unpacked, "xz", "--compress", "--stdout", "--threads=1", "-9e")
}

// output runs a program of this machine and returns what it prints.
func output(ctx context.Context, stdin io.Reader, program string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, program, args...)
	var complaints bytes.Buffer
	command.Stdin, command.Stderr = stdin, &complaints
	text, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("running %s: %w: %s", program, err, bytes.TrimSpace(complaints.Bytes()))
	}
	return text, nil
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}
