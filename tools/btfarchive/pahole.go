package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/internal/vmlinuz"
)

// maxMessage is how much of pahole's output is kept for an error.
const maxMessage = 2000

// fromDWARF has pahole make BTF from the DWARF of a vmlinux.
func (c *add) fromDWARF(ctx context.Context, file string) ([]byte, error) {
	pahole, err := exec.LookPath(c.Pahole)
	if err != nil {
		return nil, fmt.Errorf("the vmlinux has DWARF but no BTF and %q is not there, install pahole (Debian package "+
			"pahole): %w", c.Pahole, err)
	}
	tmp, err := os.MkdirTemp("", "btfarchive")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "btf")
	cmd := exec.CommandContext(ctx, pahole, "--btf_encode_detached="+out, "--", file)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stderr, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("running pahole: %w: %s", err, bytes.TrimSpace(stderr.Bytes()[:min(stderr.Len(), maxMessage)]))
	}
	k, _, err := vmlinuz.ExtractFile(out)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("running pahole: it made no BTF: %s",
			bytes.TrimSpace(stderr.Bytes()[:min(stderr.Len(), maxMessage)]))
	}
	if err != nil {
		return nil, fmt.Errorf("reading what pahole made: %w", err)
	}
	return k.BTF, nil
}
