package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/moby/buildkit/executor"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/buildkit/executor/resources"
	resourcestypes "github.com/moby/buildkit/executor/resources/types"
	"github.com/moby/buildkit/executor/runcexecutor"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/network"
	"github.com/moby/sys/userns"
	"golang.org/x/sys/unix"
)

// lazyExecutor looks for the OCI runtime when the first step runs: a build
// that runs none needs none.
type lazyExecutor struct {
	open func(context.Context) (executor.Executor, error)

	mu   sync.Mutex
	exec executor.Executor
}

func newExecutor(root string, processes oci.ProcessMode, networks map[pb.NetMode]network.Provider,
	runtime func(context.Context) (string, error),
) executor.Executor {
	return &lazyExecutor{open: func(ctx context.Context) (executor.Executor, error) {
		program, err := runtime(ctx)
		if err != nil {
			return nil, err
		}
		monitor, err := resources.NewMonitor()
		if err != nil {
			return nil, err
		}
		return runcexecutor.New(runcexecutor.Opt{
			Root: root, CommandCandidates: []string{program}, ProcessMode: processes,
			Rootless: userns.RunningInUserNS(), ResourceMonitor: monitor,
		}, networks)
	}}
}

func (l *lazyExecutor) get(ctx context.Context) (executor.Executor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.exec == nil {
		e, err := l.open(ctx)
		if err != nil {
			return nil, err
		}
		l.exec = e
	}
	return l.exec, nil
}

// Run starts a container.
func (l *lazyExecutor) Run(ctx context.Context, id string, root executor.Mount, mounts []executor.Mount,
	process executor.ProcessInfo, started chan<- struct{},
) (resourcestypes.Recorder, error) {
	e, err := l.get(ctx)
	if err != nil {
		return nil, err
	}
	var stderr *tail
	if process.Stderr != nil {
		stderr = &tail{WriteCloser: process.Stderr}
		process.Stderr = stderr
	}
	recorder, err := e.Run(ctx, id, root, mounts, process, started)
	if err != nil && stderr != nil && bytes.Contains(stderr.last, []byte(unix.ENOEXEC.Error())) {
		err = fmt.Errorf("%w: %w", err, unix.ENOEXEC) // else only the log has it
	}
	return recorder, err
}

// tail keeps the end of what is written.
type tail struct {
	io.WriteCloser
	last []byte
}

// Write writes on and keeps the last bytes.
func (t *tail) Write(p []byte) (int, error) {
	const kept = 512
	t.last = append(t.last, p...)
	t.last = t.last[max(0, len(t.last)-kept):]
	return t.WriteCloser.Write(p)
}

// Exec starts a process in a container.
func (l *lazyExecutor) Exec(ctx context.Context, id string, process executor.ProcessInfo) error {
	e, err := l.get(ctx)
	if err != nil {
		return err
	}
	return e.Exec(ctx, id, process)
}
