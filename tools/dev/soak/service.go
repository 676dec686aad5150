package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// gadgets are what the service runs: one that shows each event, one that counts in
// maps, and one that follows processes.
var gadgets = []string{"trace_open", "top_file", "trace_exec"}

// service is the gadget-run that is watched.
type service struct {
	cmd           *exec.Cmd
	done          chan struct{}
	notes         bytes.Buffer
	events, named atomic.Int64 // lines about the containers, and those with their names
}

// startService builds what is needed and waits until every program is attached.
func startService(ctx context.Context, o options, dir string) (*service, error) {
	runner := o.runner
	if runner == "" {
		runner = filepath.Join(dir, "gadget-run")
		if err := command(ctx, "go", "build", "-o", runner, "./runner"); err != nil {
			return nil, err
		}
	}
	manifest, err := buildGadgets(ctx, runner, dir)
	if err != nil {
		return nil, err
	}
	ready, readyWriter, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	s := &service{done: make(chan struct{})}
	s.cmd = exec.Command(runner, "--state="+filepath.Join(dir, "state"), "run", "--file="+manifest, "--verify-image=false",
		"--pull=never",
		"--output=json", "--otel-metrics-listen=127.0.0.1:0", "--runtimes=docker", "--docker-socketpath="+
			filepath.Join(dir, "docker.sock"),
		"--ready-fd=3")
	s.cmd.ExtraFiles = []*os.File{readyWriter}
	s.cmd.Stderr = &s.notes
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	readyWriter.Close()
	go func() {
		defer close(s.done)
		s.count(stdout)
		_ = s.cmd.Wait()
	}()
	if line, err := bufio.NewReader(ready).ReadString('\n'); err != nil || line != "ready\n" {
		return nil, errors.Join(fmt.Errorf("gadget-run did not start:\n%s", &s.notes), s.stop())
	}
	return s, nil
}

// buildGadgets builds the gadgets and writes the instance manifest that runs them.
func buildGadgets(ctx context.Context, runner, dir string) (string, error) {
	var text strings.Builder
	for _, name := range gadgets {
		if err := command(ctx, runner, "-q", "--state="+filepath.Join(dir, "state"), "image", "build", "gadgets/"+name, "-t",
			name); err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "---\napiVersion: 1\nkind: instance-spec\nimage: %s\nname: %[1]s\n", name)
		if name == "trace_open" {
			fmt.Fprintf(&text, "paramValues:\n  operator.filter.filter: proc.comm==%s,fname==%s\n", comm, opened)
		}
	}
	manifest := filepath.Join(dir, "instances.yaml")
	return manifest, os.WriteFile(manifest, []byte(text.String()), 0o600)
}

func command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return nil
}

// count reads the events.
func (s *service) count(r io.Reader) {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := in.ReadSlice('\n')
		if bytes.Contains(line, []byte(opened)) {
			s.events.Add(1)
			if bytes.Contains(line, []byte(`"containerName":"soak-`)) {
				s.named.Add(1)
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// stopTimeout is how long the service may take to end.
const stopTimeout = 30 * time.Second

// stop ends the service as systemd does.
func (s *service) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.done:
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		<-s.done
		return fmt.Errorf("gadget-run did not end in %s", stopTimeout)
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("gadget-run ended with %d:\n%s", code, &s.notes)
	}
	return nil
}
