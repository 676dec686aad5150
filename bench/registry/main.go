// Command registry compares gadget-run with crane, skopeo and regctl, all as
// whole processes on one machine and with one registry: push and pull of one
// artifact and of many. And the start of "gadget-run run" with one and with many
// stored artifacts. It is run in the workspace's directory; the others are what
// tools/dev/clients built and the machine's docker-registry and skopeo.
//
//	go run ./bench/registry
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "registry: %v\n", err)
		os.Exit(1)
	}
}

// bench is what is measured, with what.
type bench struct {
	ctx                  context.Context
	rounds, many, stored int
	layer                int // bytes of an object
	gadgetRun            string
	others               map[string]string // programs by name
	tmp                  string
	server               *server
	artifacts            []artifact
}

func run(ctx context.Context, args []string) error {
	b := &bench{ctx: ctx}
	flags := flag.NewFlagSet("registry", flag.ExitOnError)
	flags.IntVar(&b.rounds, "rounds", 5, "measurements of each side")
	flags.IntVar(&b.many, "many", 200, "artifacts that are many")
	flags.IntVar(&b.stored, "stored", 2000, "artifacts in the store of the second start")
	flags.IntVar(&b.layer, "layer", 1<<20, "bytes of each object, of which an artifact has two")
	flags.StringVar(&b.gadgetRun, "gadget-run", "", "gadget-run to measure (default: built from ./runner)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "bench-registry-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	b.tmp = tmp
	for _, phase := range []func() error{b.programs, b.makeArtifacts, b.transfers, b.starts} {
		if err := phase(); err != nil {
			return err
		}
	}
	return nil
}

// programs finds the others and builds gadget-run.
func (b *bench) programs() error {
	b.others = map[string]string{}
	for _, name := range []string{"docker-registry", "skopeo"} {
		path, err := exec.LookPath(name)
		if err != nil {
			return fmt.Errorf("%s is not in PATH, install the Debian package", name)
		}
		b.others[name] = path
	}
	out, err := exec.CommandContext(b.ctx, "tools/dev/clients", "CRANE", "REGCTL").Output()
	if err != nil {
		return fmt.Errorf("building crane and regctl with tools/dev/clients: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), "=")
		b.others[strings.ToLower(name)] = path
	}
	if b.gadgetRun == "" {
		b.gadgetRun = filepath.Join(b.tmp, "built") // "gadget-run" is the name of its directory of configuration
		build := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.gadgetRun, "./runner")
		build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr // as it is shipped
		if err := build.Run(); err != nil {
			return fmt.Errorf("building gadget-run: %w", err)
		}
	}
	return nil
}
