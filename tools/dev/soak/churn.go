package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// containerEnv makes this program a container; it says how many files it opens.
	containerEnv = "SOAK_CONTAINER"
	// comm is the name of the containers' processes.
	comm = "soak-container"
	// opened is the file that a container opens again and again.
	opened = "/soak/nothing"
	// lead is how long a container lives before and after its events.
	lead = 100 * time.Millisecond
	// maxAlive are the containers at once; the next one waits.
	maxAlive = 100
)

// churn starts and ends containers.
type churn struct {
	options
	runtime *dockerRuntime
	started atomic.Int64
}

// run spreads the containers over the time, until ctx ends.
func (c *churn) run(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(maxAlive)
	start := time.Now()
	for n := 0; n < c.containers && ctx.Err() == nil; n++ {
		due := start.Add(time.Duration(float64(c.duration) * 0.98 * float64(n) / float64(c.containers)))
		if !ctxSleep(ctx, time.Until(due)) {
			break
		}
		g.Go(func() error { return c.one(self, n) })
	}
	return g.Wait()
}

// one runs a container to its end.
func (c *churn) one(self string, n int) error {
	cmd := exec.Command(self)
	cmd.Env = []string{fmt.Sprintf("%s=%d", containerEnv, c.events/c.containers)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting container %d: %w", n, err)
	}
	c.started.Add(1)
	one := container{
		id: fmt.Sprintf("%064x", n+1), name: fmt.Sprintf("soak-%d", n), pid: cmd.Process.Pid, started: time.Now(),
	}
	c.runtime.add(one)
	err := cmd.Wait()
	c.runtime.remove(one.id)
	return err
}

// beContainer is what a container does.
func beContainer() {
	runtime.LockOSThread() // the name is the thread's
	if err := os.WriteFile("/proc/thread-self/comm", []byte(comm), 0); err != nil {
		os.Exit(1)
	}
	n, err := strconv.Atoi(os.Getenv(containerEnv))
	if err != nil {
		os.Exit(1)
	}
	time.Sleep(lead)
	for range n {
		if fd, err := syscall.Open(opened, syscall.O_RDONLY, 0); err == nil {
			_ = syscall.Close(fd)
		}
	}
	time.Sleep(lead)
}
