package build

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/client"
	bkbuild "github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/util/staticfs"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// maxDockerfile bounds a Dockerfile, in bytes.
const maxDockerfile = 16 << 20

// sources are where the build reads from.
type sources struct {
	dockerfile []byte // nil where it is not on this machine
}

// sources fills in the context and the Dockerfile.
func (r *Request) sources(opt *client.SolveOpt) (*sources, error) {
	opt.LocalMounts = map[string]fsutil.FS{}
	if remote(r.Context) {
		opt.FrontendAttrs["context"] = r.Context
		if r.File != "" {
			opt.FrontendAttrs["filename"] = r.File
		}
		return &sources{}, r.contexts(opt)
	}
	src, err := r.local(opt)
	if err != nil {
		return nil, err
	}
	return src, r.contexts(opt)
}

// remote reports whether a context is fetched by the solver.
func remote(context string) bool {
	if strings.HasPrefix(context, "http://") || strings.HasPrefix(context, "https://") {
		return true
	}
	_, is, err := dockerui.DetectGitContext(context, nil)
	return is && err == nil
}

func (r *Request) local(opt *client.SolveOpt) (*sources, error) {
	file := r.File
	if r.Context == "-" {
		if file != "" && file != "-" {
			return nil, errors.New("the context - is a Dockerfile on stdin, it takes no --file")
		}
		file = "-"
		opt.LocalMounts[dockerui.DefaultLocalNameContext] = staticfs.NewFS()
	} else {
		context, err := fsutil.NewFS(r.Context)
		if err != nil {
			return nil, explainContext(r.Context, err)
		}
		opt.LocalMounts[dockerui.DefaultLocalNameContext] = context
		if file == "" {
			file = filepath.Join(r.Context, "Dockerfile")
		}
	}
	if file == "-" {
		return r.fromStdin(opt)
	}
	return fromFile(file, opt)
}

func explainContext(dir string, err error) error {
	info, stat := os.Stat(dir)
	switch {
	case errors.Is(stat, fs.ErrNotExist):
		return fmt.Errorf("reading the context: directory %q does not exist", dir)
	case stat == nil && !info.IsDir():
		return fmt.Errorf("reading the context: %q is not a directory, name the Dockerfile with -f and its directory as PATH",
			dir)
	}
	return fmt.Errorf("reading the context: %w", err)
}

func fromFile(file string, opt *client.SolveOpt) (*sources, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the Dockerfile: %q does not exist, name it with -f", file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the Dockerfile: %w", err)
	}
	dir, err := fsutil.NewFS(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("reading the Dockerfile: %w", err)
	}
	opt.LocalMounts[dockerui.DefaultLocalNameDockerfile] = dir
	opt.FrontendAttrs["filename"] = filepath.Base(file)
	return &sources{dockerfile: data}, nil
}

func (r *Request) fromStdin(opt *client.SolveOpt) (*sources, error) {
	data, err := io.ReadAll(io.LimitReader(r.Stdin, maxDockerfile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the Dockerfile from stdin: %w", err)
	}
	if len(data) > maxDockerfile {
		return nil, fmt.Errorf("reading the Dockerfile from stdin: it is larger than %d bytes", maxDockerfile)
	}
	files := staticfs.NewFS()
	files.Add("Dockerfile", &fstypes.Stat{Mode: 0o644, Path: "Dockerfile", Size: int64(len(data))}, data)
	opt.LocalMounts[dockerui.DefaultLocalNameDockerfile] = files
	opt.FrontendAttrs["filename"] = "Dockerfile"
	return &sources{dockerfile: data}, nil
}

// contexts adds those of --build-context.
func (r *Request) contexts(opt *client.SolveOpt) error {
	var layouts []string
	for _, spec := range r.Contexts {
		name, value, ok := strings.Cut(spec, "=")
		if !ok || name == "" {
			return fmt.Errorf("flag --build-context: %q has no value, write NAME=DIRECTORY or NAME=docker-image://IMAGE", spec)
		}
		name = strings.ToLower(name)
		layout, isLayout := strings.CutPrefix(value, "oci-layout://")
		switch {
		case isLayout:
			dir, ref, _ := strings.Cut(layout, "@")
			layouts = append(layouts, name+"="+dir)
			opt.FrontendAttrs["context:"+name] = "oci-layout://" + name
			if ref != "" {
				opt.FrontendAttrs["context:"+name] += "@" + ref
			}
		case strings.Contains(value, "://") || remote(value):
			opt.FrontendAttrs["context:"+name] = value
		default:
			dir, err := fsutil.NewFS(value)
			if err != nil {
				return fmt.Errorf("flag --build-context: %w", explainContext(value, err))
			}
			opt.LocalMounts[name] = dir
			opt.FrontendAttrs["context:"+name] = "local:" + name
		}
	}
	stores, err := bkbuild.ParseOCILayout(layouts)
	if err != nil {
		return fmt.Errorf("flag --build-context: %w", err)
	}
	opt.OCIStores = stores
	return nil
}
