package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"time"
)

// command is a command line that is measured.
type command struct {
	name  string
	args  []string
	ready bool // it says on descriptor 3 that it is ready, and is ended then
}

// measure returns the time of each program, which take turns: the one that a quarter
// of its starts stay below, since other work of the machine makes a start slower and
// never faster.
func (c command) measure(ctx context.Context, programs []program, starts int) ([]time.Duration, error) {
	times := make([][]time.Duration, len(programs))
	for range starts {
		for _, i := range rand.Perm(len(programs)) {
			t, err := c.start(ctx, programs[i].path)
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], t)
		}
	}
	out := make([]time.Duration, 0, len(programs))
	for _, t := range times {
		slices.Sort(t)
		out = append(out, t[len(t)/4])
	}
	return out, nil
}

// start runs a program once.
func (c command) start(ctx context.Context, program string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, program, c.args...)
	if !c.ready {
		begin := time.Now()
		out, err := cmd.CombinedOutput()
		took := time.Since(begin)
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		return took, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	cmd.ExtraFiles = []*os.File{w}
	begin := time.Now()
	err = cmd.Start()
	_ = w.Close() // the program has its own
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(r)
	took := time.Since(begin)
	if err == nil && len(text) == 0 {
		err = errors.New("the program ended before it was ready")
	}
	return took, errors.Join(err, cmd.Process.Signal(os.Interrupt), cmd.Wait())
}
