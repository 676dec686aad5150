package cli

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/img/build"
	"github.com/rules-gadget/rules_gadget/img/engine"
	"github.com/rules-gadget/rules_gadget/img/ociruntime"
	"github.com/rules-gadget/rules_gadget/img/registries"
	"github.com/rules-gadget/rules_gadget/img/rootless"
	"github.com/rules-gadget/rules_gadget/img/store"
)

// buildCmd is "build".
type buildCmd struct {
	Path string `arg:"" help:"PATH"`

	AddHost          []string `sep:"none" help:"Add a line HOST:IP to /etc/hosts of each RUN"`
	BuildArg         []string `sep:"none" help:"Set build-time variables"`
	BuildContext     []string `sep:"none" help:"Additional build contexts (e.g. name=path)"`
	CacheFrom        []string `sep:"none" help:"Buildkit import-cache or Buildx cache-from specification"`
	CacheTo          []string `sep:"none" help:"Buildx cache-to specification"`
	File             string   `short:"f" help:"Name of the Dockerfile (Default is 'PATH/Dockerfile')"`
	Iidfile          string   `help:"Write the image ID to the file"`
	Label            []string `sep:"none" help:"Set metadata for an image"`
	MetadataFile     string   `help:"Write build result metadata to the file"`
	Network          string   `enum:"host,none,default" default:"host" help:"Network of RUN instructions (host|none)"`
	NoCache          bool     `help:"Do not use cache when building the image"`
	NoConsole        bool     `help:"Use non-console progress UI"`
	NoProcessSandbox bool     `help:"Run RUN instructions in the PID namespace of img, for containers whose /proc is masked"`
	Output           []string `short:"o" sep:"none" help:"BuildKit output specification (e.g. type=tar,dest=build.tar)"`
	Platform         []string `help:"Set platforms for which the image should be built"`
	Progress         string   `enum:"auto,plain,tty,quiet,rawjson" default:"auto" help:"Type of progress output (auto|plain|tty|quiet|rawjson)"`
	Pull             bool     `help:"Check the registry for newer base images, even when the store has them"`
	Quiet            bool     `short:"q" help:"Print the digest of the image alone"`
	Secret           []string `sep:"none" help:"Secret to expose to the build (format: id=mysecret[,src=/local/secret])"`
	SSH              []string `name:"ssh" sep:"none" help:"SSH agent socket or keys to expose to the build (format: default|<id>[=<socket>|<key>[,<key>]])"`
	Tag              []string `short:"t" sep:"none" help:"Name and optionally a tag in the 'name:tag' format"`
	Target           string   `help:"Set the target build stage to build"`
}

func (b *buildCmd) spec(g *Globals) (rootless.Spec, error) {
	if b.NoProcessSandbox && !rootless.Inside() {
		g.note("without a process sandbox a RUN can see and kill every process of this user, use it only where img is " +
			"alone in a container")
	}
	return rootless.Spec{Processes: !b.NoProcessSandbox, Note: g.note}, nil
}

// Run builds.
func (b *buildCmd) Run(ctx context.Context, g *Globals) error {
	hosts, err := registries.New(rootless.UID(), false)
	if err != nil {
		return err
	}
	request := b.request(g)
	say := g.Out
	if request.ToStdout() {
		say = g.Err
	}
	opts := engine.Options{
		NoProcessSandbox: b.NoProcessSandbox, Hosts: hosts.Hosts,
		Runtime: ociruntime.Finder{
			Cache: filepath.Join(g.State, "ociruntime"), Run: runDir(g.State), Fetch: hosts.Package, Note: g.note,
		}.Find,
	}
	if !b.Quiet {
		b.announce(say)
	}
	return g.with(ctx, opts, func(s store.Store) error {
		result, err := build.Run(ctx, s.Engine, request, hosts)
		if err != nil {
			return err
		}
		if err := b.record(result); err != nil {
			return err
		}
		b.report(say, result)
		return nil
	})
}

func (b *buildCmd) request(g *Globals) *build.Request {
	progress := b.Progress
	switch {
	case b.Quiet:
		progress = "quiet"
	case b.NoConsole:
		progress = "plain"
	}
	return &build.Request{
		Context: b.Path, File: b.File, Tags: b.Tag, Outputs: b.Output, Args: b.BuildArg, Labels: b.Label,
		Contexts: b.BuildContext, Platforms: b.Platform, Target: b.Target, CacheFrom: b.CacheFrom, CacheTo: b.CacheTo,
		NoCache: b.NoCache, Pull: b.Pull, Network: b.Network, Secrets: b.Secret, SSH: b.SSH, AddHosts: b.AddHost,
		Progress: progress, Stdin: g.In, Stdout: g.Out, Stderr: g.Err, Note: g.note, Getenv: os.Getenv,
	}
}

func (b *buildCmd) announce(w io.Writer) {
	for _, tag := range b.Tag {
		if name, err := store.Normalize(tag); err == nil {
			fmt.Fprintf(w, "Building %s\n", store.Familiar(name))
		}
	}
	fmt.Fprintln(w, "Setting up the rootfs... this may take a bit.")
}

func (b *buildCmd) report(w io.Writer, result *build.Result) {
	digest := result.Response["containerimage.digest"]
	switch {
	case b.Quiet:
		if digest != "" {
			fmt.Fprintln(w, digest)
		}
	case len(result.Names) > 0:
		for _, name := range result.Names {
			fmt.Fprintf(w, "Successfully built %s\n", store.Familiar(name))
		}
	case digest != "":
		fmt.Fprintf(w, "Successfully built %s\n", digest)
	default:
		fmt.Fprintln(w, "Successfully built")
	}
}

// record writes the requested files.
func (b *buildCmd) record(result *build.Result) error {
	if b.Iidfile != "" {
		id := result.Response["containerimage.config.digest"]
		if id == "" {
			id = result.Response["containerimage.digest"]
		}
		if id == "" {
			return errors.New("flag --iidfile: this type of output has no image ID")
		}
		if err := os.WriteFile(b.Iidfile, []byte(id), 0o644); err != nil {
			return fmt.Errorf("writing the image ID: %w", err)
		}
	}
	if b.MetadataFile == "" {
		return nil
	}
	data, err := json.MarshalIndent(metadata(result.Response), "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.MetadataFile, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the metadata: %w", err)
	}
	return nil
}

// metadata unfolds the members that are JSON in base64.
func metadata(response map[string]string) map[string]any {
	out := map[string]any{}
	for key, value := range response {
		out[key] = value
		raw, err := base64.StdEncoding.DecodeString(value)
		if err == nil && strings.HasPrefix(string(raw), "{") && json.Valid(raw) {
			out[key] = json.RawMessage(raw)
		}
	}
	return out
}
