package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/fleetcmd"
)

// patience is --pull-timeout: one machine does the work of all nodes.
const patience = 10 * time.Minute

// maxTries is how often a node syncs before the fleet counts as broken.
const maxTries = 5

// fleet is many nodes, the registry that they use and optionally a mirror.
type fleet struct {
	options
	dir     string
	origin  *recorder
	mirror  *recorder // nil for none
	running []*httptest.Server
	address string       // of the registry
	config  string       // of the nodes
	again   atomic.Int64 // syncs that failed and were tried again
}

func newFleet(ctx context.Context, o options, mirrored bool) (*fleet, error) {
	dir, err := os.MkdirTemp(o.tmp, "sync-bench-")
	if err != nil {
		return nil, err
	}
	f := &fleet{options: o, dir: dir}
	quiet := ggcr.Logger(log.New(io.Discard, "", 0))
	f.origin = &recorder{name: "registry", Handler: ggcr.New(quiet, ggcr.WithReferrersSupport(true))}
	f.address = f.serve(f.origin)
	if mirrored {
		f.mirror = &recorder{name: "mirror", Handler: &mirror{origin: "http://" + f.address}}
		f.config = fmt.Sprintf("[[registry]]\nlocation = %q\ninsecure = true\n[[registry.mirror]]\nlocation = %q\ninsecure "+
			"= true\n",
			f.address, f.serve(f.mirror))
	}
	for i := range o.gadgets {
		if err := f.publish(ctx, i, 0); err != nil {
			f.close()
			return nil, err
		}
	}
	return f, nil
}

func (f *fleet) serve(h http.Handler) string {
	s := httptest.NewUnstartedServer(h)
	s.Config.IdleTimeout = time.Second // nodes that are done do not end here, as processes do
	s.Start()
	f.running = append(f.running, s)
	return strings.TrimPrefix(s.URL, "http://")
}

func (f *fleet) close() {
	for _, s := range f.running {
		s.Close()
	}
	_ = os.RemoveAll(f.dir)
}

// servers are those that nodes can send requests to.
func (f *fleet) servers() []*recorder {
	if f.mirror == nil {
		return []*recorder{f.origin}
	}
	return []*recorder{f.origin, f.mirror}
}

func (f *fleet) name(i int) string { return fmt.Sprintf("%s/gadgets/g%d:v1", f.address, i) }

// publish pushes an edition of gadget i with one document about it.
func (f *fleet) publish(ctx context.Context, i, edition int) error {
	client, err := registry.New(registry.Options{PlainHTTP: true, Config: &registry.Config{}})
	if err != nil {
		return err
	}
	ref, err := registry.ParseReference(f.name(i), registry.Defaults{})
	if err != nil {
		return err
	}
	content, root, err := newArtifact(uint64(i), uint64(edition), f.layer)
	if err != nil {
		return err
	}
	if _, err := client.Push(ctx, registry.PushRequest{
		Blobs: content, Root: root, Repository: ref,
		Tags: []string{ref.Tag},
	}); err != nil {
		return err
	}
	_, err = client.Attach(ctx, ref, root, registry.Document{
		MediaType: "text/plain", Data: []byte("a signature\n"),
	})
	return err
}

// newArtifact makes an index of one gadget for all architectures.
func newArtifact(gadgetSeed, edition uint64, size int) (oci.Memory, ocispec.Descriptor, error) {
	noise := rand.NewChaCha8([32]byte{byte(gadgetSeed), byte(gadgetSeed >> 8), byte(edition)})
	var blobs []oci.Blob
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for _, a := range arch.All() {
		object := make([]byte, size)
		_, _ = noise.Read(object)
		layer := oci.NewBlob(gadget.EBPFMediaType, object)
		config := oci.NewBlob(gadget.ConfigMediaType, fmt.Appendf(nil, "name: g%d\n", gadgetSeed))
		data, err := json.Marshal(ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
			Config: config.Descriptor, Layers: []ocispec.Descriptor{layer.Descriptor},
		})
		if err != nil {
			return nil, ocispec.Descriptor{}, err
		}
		manifest := oci.NewBlob(ocispec.MediaTypeImageManifest, data)
		blobs = append(blobs, layer, config, manifest)
		entry := manifest.Descriptor
		entry.Platform = &ocispec.Platform{OS: "linux", Architecture: a.String()}
		index.Manifests = append(index.Manifests, entry)
	}
	data, err := json.Marshal(index)
	root := oci.NewBlob(ocispec.MediaTypeImageIndex, data)
	return oci.NewMemory(append(blobs, root)...), root.Descriptor, err
}

func (f *fleet) globals(ctx context.Context, state string) *cli.Globals {
	return &cli.Globals{
		Ctx: ctx, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Quiet: true, State: state,
	}
}

func (f *fleet) lockFile() string { return filepath.Join(f.dir, "gadgets.lock") }

// configure writes the configuration for registries, which all of the process has.
func (f *fleet) configure(text string) error {
	file := filepath.Join(f.dir, "registries.conf")
	return errors.Join(os.WriteFile(file, []byte(text), 0o644), os.Setenv(registry.ConfigEnv, file))
}

// lock locks all gadgets, without a mirror that may have kept older tags. It does
// not count.
func (f *fleet) lock(ctx context.Context) error {
	if err := f.configure(""); err != nil {
		return err
	}
	list := "version: 1\ngadgets:\n"
	for i := range f.gadgets {
		list += "  - " + f.name(i) + "\n"
	}
	file := filepath.Join(f.dir, "gadgets.yaml")
	if err := os.WriteFile(file, []byte(list), 0o644); err != nil {
		return err
	}
	c := fleetcmd.Lock{List: file, TrustFlags: artifact.TrustFlags{VerifyImage: true}}
	return c.Run(f.globals(ctx, ""))
}

// syncAll lets every node sync, and ends when all have.
func (f *fleet) syncAll(ctx context.Context) error {
	if err := f.configure(f.config); err != nil {
		return err
	}
	for _, r := range f.servers() {
		r.reset()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(f.atOnce)
	for i := range f.nodes {
		group.Go(func() error { return f.syncNode(ctx, i) })
	}
	err := group.Wait()
	for _, r := range f.servers() {
		r.end()
	}
	return err
}

// syncNode syncs one node. One that fails tries again, as a service manager lets it.
func (f *fleet) syncNode(ctx context.Context, i int) (err error) {
	c := fleetcmd.Sync{
		File: f.lockFile(), Jitter: cli.Timeout(f.jitter), TrustFlags: artifact.TrustFlags{VerifyImage: true},
		RegistryFlags: artifact.RegistryFlags{PullTimeout: cli.Timeout(patience)},
	}
	for range maxTries {
		err = c.Run(f.globals(ctx, filepath.Join(f.dir, fmt.Sprintf("node%d", i))))
		if err == nil || ctx.Err() != nil {
			return err
		}
		f.again.Add(1)
	}
	return err
}
