package engine

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/diff/apply"
	ctdmetadata "github.com/containerd/containerd/v2/core/metadata"
	ctdsnapshot "github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/containerd/v2/plugins/diff/walking"
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/cache/metadata"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/executor/oci"
	containerdsnapshot "github.com/moby/buildkit/snapshot/containerd"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/disk"
	"github.com/moby/buildkit/util/leaseutil"
	"github.com/moby/buildkit/util/network/netproviders"
	"github.com/moby/buildkit/worker/base"
	wlabel "github.com/moby/buildkit/worker/label"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	bolt "go.etcd.io/bbolt"
)

// namespace is the one of everything in the metadata.
const namespace = "buildkit"

// worker opens the stores and makes the worker that steps run on.
func (e *Engine) worker(ctx context.Context, opts Options) (*base.Worker, error) {
	backend, err := choose(opts.Backend, opts.State)
	if err != nil {
		return nil, err
	}
	e.Backend = backend.name
	root := filepath.Join(opts.State, "runc-"+backend.name)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	s, err := openStores(ctx, root, backend)
	if err != nil {
		return nil, err
	}
	e.Images = inNamespace{ctdmetadata.NewImageStore(s.metadata)}
	opt, err := s.options(root, opts)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	opt.ImageStore = e.Images
	e.Content, e.Leases = opt.ContentStore, opt.LeaseManager
	w, err := base.NewWorker(ctx, opt)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	e.closes = append(e.closes, s.snapshotter.Close)
	return w, nil
}

// stores are what a backend keeps.
type stores struct {
	backend     backend
	snapshotter ctdsnapshot.Snapshotter
	db          io.Closer
	metadata    *ctdmetadata.DB
}

func (s *stores) close() error { return errors.Join(s.db.Close(), s.snapshotter.Close()) }

func openStores(ctx context.Context, root string, b backend) (*stores, error) {
	snapshotter, err := b.open(filepath.Join(root, "snapshots"))
	if err != nil {
		return nil, err
	}
	blobs, err := local.NewStore(filepath.Join(root, "content"))
	if err != nil {
		return nil, errors.Join(err, snapshotter.Close())
	}
	db, err := boltutil.Open(filepath.Join(root, "containerdmeta.db"), 0o644, &bolt.Options{
		FreelistType: bolt.FreelistMapType, NoFreelistSync: true,
	})
	if err != nil {
		return nil, errors.Join(err, snapshotter.Close())
	}
	s := &stores{backend: b, snapshotter: snapshotter, db: db}
	s.metadata = ctdmetadata.NewDB(db, blobs, map[string]ctdsnapshot.Snapshotter{b.name: snapshotter})
	if err := s.metadata.Init(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stores) options(root string, opts Options) (base.WorkerOpt, error) {
	networks, _, mode, err := netproviders.Providers(netproviders.Opt{Mode: "host"})
	if err != nil {
		return base.WorkerOpt{}, err
	}
	id, err := base.ID(root)
	if err != nil {
		return base.WorkerOpt{}, err
	}
	md, err := metadata.NewStore(filepath.Join(root, "metadata_v2.db"))
	if err != nil {
		return base.WorkerOpt{}, err
	}
	processes := oci.ProcessSandbox
	if opts.NoProcessSandbox {
		processes = oci.NoProcessSandbox
	}
	blobs := containerdsnapshot.NewContentStore(s.metadata.ContentStore(), namespace)
	return base.WorkerOpt{
		ID: id, Root: root, MetadataStore: md, ContentMetadata: s.db,
		Labels: map[string]string{
			wlabel.Executor: "oci", wlabel.Snapshotter: s.backend.name,
			wlabel.Network: mode, wlabel.OCIProcessMode: processes.String(),
		},
		NetworkProviders: networks,
		Executor:         newExecutor(filepath.Join(root, "executor"), processes, networks, opts.Runtime),
		Snapshotter: containerdsnapshot.NewSnapshotter(s.backend.name, s.metadata.Snapshotter(s.backend.name), namespace,
			nil),
		ContentStore:   blobs,
		Applier:        apply.NewFileSystemApplier(blobs),
		Differ:         walking.NewWalkingDiff(blobs),
		Platforms:      []ocispecs.Platform{platforms.Normalize(platforms.DefaultSpec())},
		LeaseManager:   leaseutil.WithNamespace(ctdmetadata.NewLeaseManager(s.metadata), namespace),
		GarbageCollect: s.metadata.GarbageCollect,
		MountPoolRoot:  filepath.Join(root, "cachemounts"),
		RegistryHosts:  opts.Hosts,
		GCPolicy:       gcPolicy(root),
	}, nil
}

// gcPolicy is BuildKit's own: how much of the disk the cache may fill.
func gcPolicy(root string) []client.PruneInfo {
	stat, err := disk.GetDiskStat(root)
	if err != nil {
		return nil
	}
	var out []client.PruneInfo
	for _, rule := range config.DefaultGCPolicy(config.GCConfig{}, stat) {
		out = append(out, client.PruneInfo{
			Filter: rule.Filters, All: rule.All, KeepDuration: rule.KeepDuration.Duration,
			ReservedSpace: rule.ReservedSpace.AsBytes(stat), MaxUsedSpace: rule.MaxUsedSpace.AsBytes(stat),
			MinFreeSpace: rule.MinFreeSpace.AsBytes(stat),
		})
	}
	return out
}
