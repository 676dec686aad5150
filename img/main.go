// Command img builds container images from Dockerfiles without a daemon and
// without root.
package main

import (
	"context"
	"os"

	"github.com/rules-gadget/rules_gadget/img/cli"
	"github.com/rules-gadget/rules_gadget/img/rootless"
)

func main() {
	rootless.Init()
	std := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	os.Exit(cli.Main(context.Background(), os.Args[1:], std))
}
