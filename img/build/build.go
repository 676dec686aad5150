// Package build turns the flags of "img build" into a request to the solver
// and runs it.
package build

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/moby/buildkit/client"
	bkbuild "github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/moby/buildkit/util/progress/progressui"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/img/engine"
	"github.com/rules-gadget/rules_gadget/img/registries"
	"github.com/rules-gadget/rules_gadget/img/store"
)

// Request is what the user requested.
type Request struct {
	Context  string // directory, "-", or an address of git or HTTP
	File     string // Dockerfile; "-" is stdin
	Tags     []string
	Outputs  []string
	Args     []string // NAME=VALUE, or NAME of the environment
	Labels   []string
	Contexts []string // NAME=VALUE

	Platforms          []string
	Target             string
	CacheFrom, CacheTo []string
	NoCache, Pull      bool
	Network            string
	Secrets, SSH       []string
	AddHosts           []string
	Progress           string
	Stdin              io.Reader
	Stdout, Stderr     io.Writer
	Note               func(string)
	Getenv             func(string) string
}

// Result is what came out.
type Result struct {
	Names    []string // complete
	Response map[string]string
}

// Run builds.
func Run(ctx context.Context, e *engine.Engine, r *Request, hosts *registries.Registries) (*Result, error) {
	names, err := normalizeAll(r.Tags)
	if err != nil {
		return nil, err
	}
	opt := client.SolveOpt{
		Frontend: engine.DockerfileFrontend, FrontendAttrs: map[string]string{},
		AllowedEntitlements: []string{"network.host"},
		SharedKey:           digest.FromString(r.Context).Encoded(),
	}
	src, err := r.sources(&opt)
	if err != nil {
		return nil, err
	}
	if err := r.attributes(opt.FrontendAttrs); err != nil {
		return nil, err
	}
	if err := r.cache(&opt); err != nil {
		return nil, err
	}
	if opt.Session, err = r.session(hosts); err != nil {
		return nil, err
	}
	outs, err := r.outputs(names)
	if err != nil {
		return nil, err
	}
	opt.Exports = outs.entries
	syntax(ctx, src.dockerfile, hosts, opt.FrontendAttrs, r.Note)
	response, err := r.solve(ctx, e, opt)
	if err := outs.finish(err == nil); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, explain(err)
	}
	return &Result{Names: names, Response: response.ExporterResponse}, nil
}

func normalizeAll(tags []string) ([]string, error) {
	var names []string
	for _, tag := range tags {
		name, err := store.Normalize(tag)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// solve runs the request and shows its progress.
func (r *Request) solve(ctx context.Context, e *engine.Engine, opt client.SolveOpt) (*client.SolveResponse, error) {
	display, err := progressui.NewDisplay(r.Stderr, progressui.DisplayMode(r.Progress))
	if err != nil {
		return nil, fmt.Errorf("showing progress as %q: %w", r.Progress, err)
	}
	var response *client.SolveResponse
	statuses := make(chan *client.SolveStatus)
	var group errgroup.Group
	group.Go(func() error {
		var err error
		response, err = e.Client.Solve(ctx, nil, opt, statuses)
		return err
	})
	// It ends with the channel, so that what failed is shown.
	_, shown := display.UpdateFrom(context.WithoutCancel(ctx), statuses)
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return response, shown
}

// attributes are the frontend's options.
func (r *Request) attributes(attrs map[string]string) error {
	for _, arg := range r.Args {
		name, value, given := strings.Cut(arg, "=")
		if !given {
			value = r.Getenv(name)
			if value == "" {
				continue // as docker: an argument that is not set anywhere is not one
			}
		}
		attrs["build-arg:"+name] = value
	}
	if epoch := r.Getenv("SOURCE_DATE_EPOCH"); epoch != "" && attrs["build-arg:SOURCE_DATE_EPOCH"] == "" {
		attrs["build-arg:SOURCE_DATE_EPOCH"] = epoch
	}
	for _, label := range r.Labels {
		name, value, given := strings.Cut(label, "=")
		if !given {
			return fmt.Errorf("label %q has no value, write NAME=VALUE", label)
		}
		attrs["label:"+name] = value
	}
	attrs["image-resolve-mode"] = "local"
	if r.Pull {
		attrs["image-resolve-mode"] = "pull"
	}
	if r.NoCache {
		attrs["no-cache"] = ""
	}
	for name, value := range map[string]string{
		"target": r.Target, "platform": strings.Join(r.Platforms, ","), "add-hosts": addHosts(r.AddHosts),
	} {
		if value != "" {
			attrs[name] = value
		}
	}
	if r.Network == "none" {
		attrs["force-network-mode"] = "none"
	}
	return nil
}

// addHosts turns docker's HOST:IP into the frontend's HOST=IP.
func addHosts(hosts []string) string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = h
		if !strings.Contains(h, "=") {
			out[i] = strings.Replace(h, ":", "=", 1)
		}
	}
	return strings.Join(out, ",")
}

func (r *Request) cache(opt *client.SolveOpt) (err error) {
	if opt.CacheImports, err = bkbuild.ParseImportCache(named(r.CacheFrom)); err != nil {
		return fmt.Errorf("flag --cache-from: %w", err)
	}
	if opt.CacheExports, err = bkbuild.ParseExportCache(named(r.CacheTo)); err != nil {
		return fmt.Errorf("flag --cache-to: %w", err)
	}
	for _, entry := range append(opt.CacheImports, opt.CacheExports...) {
		switch entry.Type {
		case "local", "registry", "inline":
		default:
			return fmt.Errorf("%q is not a type of cache here, use local, registry or inline", entry.Type)
		}
	}
	return nil
}

// named completes references without a repository.
func named(specs []string) []string {
	out := make([]string, len(specs))
	for i, s := range specs {
		out[i] = s
		if !strings.Contains(s, "=") {
			out[i] = "type=registry,ref=" + s
		}
	}
	return out
}

// session is what the solver and the steps may ask this process for: the
// credentials of registries the former, the latter what the flags name.
func (r *Request) session(hosts *registries.Registries) ([]session.Attachable, error) {
	out := []session.Attachable{hosts.Session()}
	if len(r.Secrets) > 0 {
		secrets, err := bkbuild.ParseSecret(r.Secrets)
		if err != nil {
			return nil, fmt.Errorf("flag --secret: %w", err)
		}
		out = append(out, secrets)
	}
	if len(r.SSH) > 0 {
		configs, err := bkbuild.ParseSSH(r.SSH)
		if err != nil {
			return nil, fmt.Errorf("flag --ssh: %w", err)
		}
		agents, err := sshprovider.NewSSHAgentProvider(configs)
		if err != nil {
			return nil, fmt.Errorf("flag --ssh: %w", err)
		}
		out = append(out, agents)
	}
	return out, nil
}

// isTerminal reports whether w is a character device.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
