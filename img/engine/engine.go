// Package engine runs BuildKit in this process: its solver, its worker and the
// frontend for Dockerfiles, over a state directory that one process holds at a
// time.
package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/moby/buildkit/cache/remotecache"
	inlinecache "github.com/moby/buildkit/cache/remotecache/inline"
	localcache "github.com/moby/buildkit/cache/remotecache/local"
	registrycache "github.com/moby/buildkit/cache/remotecache/registry"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/control"
	"github.com/moby/buildkit/frontend"
	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway"
	"github.com/moby/buildkit/frontend/gateway/forwarder"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/solver/bboltcachestorage"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/moby/buildkit/worker"
	"github.com/moby/buildkit/worker/base"
	bolt "go.etcd.io/bbolt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
)

// DockerfileFrontend is the name of the frontend for Dockerfiles.
const DockerfileFrontend = "dockerfile.v0"

// Options describe where the state is and how steps are run.
type Options struct {
	State   string // directory
	Backend string // one of Backends
	// Runtime finds the OCI runtime. It is called when the first step runs.
	Runtime func(context.Context) (string, error)
	// NoProcessSandbox runs steps in the PID namespace of this process.
	NoProcessSandbox bool
	Hosts            docker.RegistryHosts
	// Note gets messages for the user.
	Note func(string)
}

// Engine is an open state directory.
type Engine struct {
	Client  *client.Client
	Images  images.Store
	Content content.Store
	Leases  leases.Manager
	Backend string // the one that was taken

	gc     func(context.Context) error
	closes []func() error
}

// Open opens a state directory, once no other process has it.
func Open(ctx context.Context, opts Options) (_ *Engine, err error) {
	e := &Engine{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("opening the state in %q: %w", opts.State, err), e.Close())
		}
	}()
	if err := os.MkdirAll(opts.State, 0o700); err != nil {
		return e, err
	}
	unlock, err := lock(ctx, opts.State, opts.Note)
	if err != nil {
		return e, err
	}
	e.closes = append(e.closes, unlock)
	w, err := e.worker(ctx, opts)
	if err != nil {
		return e, err
	}
	return e, e.serve(ctx, opts, w)
}

// Close ends the engine, and then lets others have the directory.
func (e *Engine) Close() error {
	var errs []error
	for i := len(e.closes) - 1; i >= 0; i-- {
		errs = append(errs, e.closes[i]())
	}
	e.closes = nil
	return errors.Join(errs...)
}

// Collect removes content that no image and no cache record refers to.
func (e *Engine) Collect(ctx context.Context) error { return e.gc(ctx) }

// serve starts the controller and connects to it, in memory.
func (e *Engine) serve(ctx context.Context, opts Options, w *base.Worker) error {
	sessions, err := session.NewManager()
	if err != nil {
		return err
	}
	workers := &worker.Controller{}
	if err := workers.Add(w); err != nil {
		return err
	}
	frontends, err := frontendsOf(workers)
	if err != nil {
		return err
	}
	store, err := bboltcachestorage.NewStore(filepath.Join(opts.State, "cache.db"))
	if err != nil {
		return err
	}
	history, err := boltutil.SafeOpen(filepath.Join(opts.State, "history.db"), 0o600, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	controller, err := control.NewController(control.Opt{
		SessionManager: sessions, WorkerController: workers, Frontends: frontends,
		ResolveCacheExporterFuncs: map[string]remotecache.ResolveCacheExporterFunc{
			"registry": registrycache.ResolveCacheExporterFunc(sessions, opts.Hosts),
			"local":    localcache.ResolveCacheExporterFunc(sessions),
			"inline":   inlinecache.ResolveCacheExporterFunc(),
		},
		ResolveCacheImporterFuncs: map[string]remotecache.ResolveCacheImporterFunc{
			"registry": registrycache.ResolveCacheImporterFunc(sessions, w.ContentStore(), opts.Hosts),
			"local":    localcache.ResolveCacheImporterFunc(sessions),
		},
		CacheManager: solver.NewCacheManager(ctx, "local", store, worker.NewCacheResultStorage(workers)),
		Entitlements: []string{"network.host"},
		HistoryDB:    history, HistoryConfig: historyConfig(), CacheStore: store,
		LeaseManager: w.LeaseManager(), ContentStore: w.ContentStore(), GarbageCollect: w.GarbageCollect,
		GracefulStop: ctx.Done(),
	})
	if err != nil {
		return errors.Join(err, history.Close(), store.Close())
	}
	e.gc = w.GarbageCollect
	e.closes = append(e.closes, controller.Close)
	return e.connect(ctx, controller)
}

// historyConfig keeps records of few builds: nothing here reads them.
func historyConfig() *config.HistoryConfig {
	entries := int64(2)
	return &config.HistoryConfig{MaxEntries: &entries}
}

func frontendsOf(workers *worker.Controller) (map[string]frontend.Frontend, error) {
	remote, err := gateway.NewGatewayFrontend(workers.Infos(), nil)
	if err != nil {
		return nil, err
	}
	return map[string]frontend.Frontend{
		DockerfileFrontend: forwarder.NewGatewayForwarder(workers.Infos(), dockerfile.Build),
		"gateway.v0":       remote,
	}, nil
}

func (e *Engine) connect(ctx context.Context, controller *control.Controller) error {
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(grpcerrors.UnaryServerInterceptor),
		grpc.ChainStreamInterceptor(grpcerrors.StreamServerInterceptor),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
	)
	controller.Register(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	e.closes = append(e.closes, func() error {
		server.Stop()
		return <-served
	})
	c, err := client.New(ctx, "passthrough:///img", client.WithContextDialer(
		func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) },
	))
	if err != nil {
		return err
	}
	e.Client = c
	e.closes = append(e.closes, c.Close)
	return nil
}

// maxMessage bounds a message between client and controller, in bytes.
const maxMessage = 64 << 20
