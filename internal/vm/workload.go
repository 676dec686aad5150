package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// errWorkload is the usage of Workload.
var errWorkload = errors.New(`usage: workload open FILE | create FILE | exec COMMAND [ARG...] | true`)

// Workload does a small thing that a gadget can observe. In the machine it is
// /bin/workload, the init program under another name, for an initramfs has no
// shell and no other commands.
func Workload(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errWorkload
	}
	switch verb, rest := args[0], args[1:]; {
	case verb == "true":
		return nil
	case verb == "open" && len(rest) == 1:
		f, err := os.Open(rest[0])
		if errors.Is(err, os.ErrNotExist) {
			return nil // a failing open is a workload too
		}
		if err != nil {
			return fmt.Errorf("opening the file of the workload: %w", err)
		}
		return f.Close()
	case verb == "create" && len(rest) == 1:
		return os.WriteFile(rest[0], []byte("workload\n"), 0o600)
	case verb == "exec" && len(rest) > 0:
		return exec.CommandContext(ctx, rest[0], rest[1:]...).Run()
	}
	return errWorkload
}
