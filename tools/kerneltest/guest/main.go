// Command guest is process 1 of the virtual machines of kerneltest and, under
// the name workload, what they run for a gadget to observe. Outside of them
// "guest hide-btf COMMAND" runs a command in a mount namespace of its own in
// which the kernel shows no BTF.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/internal/vm"
)

func main() {
	err := run(context.Background(), os.Args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
}

// run decides by the program's name which of the two it is.
func run(ctx context.Context, args []string) error {
	if filepath.Base(args[0]) == "init" && os.Getpid() == 1 {
		return vm.Guest(ctx)
	}
	if len(args) > 2 && args[1] == "hide-btf" {
		return vm.WithoutBTF(args[2:])
	}
	return vm.Workload(ctx, args[1:])
}
