package runcmd

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/guard"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
	"github.com/rules-gadget/rules_gadget/internal/vmlinuz"
)

// HubEnv names a directory in btfhub's layout that is searched for the BTF of
// kernels that have none and that the gadget has none for.
const HubEnv = "GADGET_BTFHUB"

// btfLookup finds the BTF to relocate a gadget against.
type btfLookup struct {
	root  fs.FS  // of the machine, for the kernel's own BTF
	layer []byte // of the artifact, may be nil
	hub   string // directory of archives, may be empty
	id    kernel.Identity
}

// found is the BTF that a lookup chose. A nil Types is the running kernel's
// own, which the loader reads itself, and fastest.
type found struct {
	Types *btf.Spec
	From  string
}

// find looks at the places in their order: the kernel's own BTF, a vmlinux file, the
// gadget's layer, the directory of archives.
func (l btfLookup) find() (f found, err error) {
	defer guard.Panics(&err)
	if kernel.HasBTF(l.root) {
		return found{nil, "the kernel"}, nil
	}
	var tried []string
	for _, next := range []func() (found, error){l.vmlinux, l.fromLayer, l.fromHub} {
		f, err := next()
		if err == nil {
			return f, nil
		}
		tried = append(tried, err.Error())
	}
	return found{}, fmt.Errorf("kernel %s has no BTF of its own and none was found, give it with --btf FILE (%s)",
		l.id, strings.Join(tried, "; "))
}

// fileBTF reads the raw BTF of a file, or the BTF of a vmlinux file, which may be
// larger than memory and is read in parts.
func fileBTF(ctx context.Context, file string) (out found, err error) {
	defer guard.Panics(&err)
	f, err := action.OpenInput(ctx, file)
	if err != nil {
		return found{}, fmt.Errorf("using --btf: %w", err)
	}
	defer f.Close()
	data, err := kernelBTF(f)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return found{}, fmt.Errorf("using --btf %q: %w", file, err)
	}
	if out, err = specFrom(data, fmt.Sprintf("%q", file)); err != nil {
		return found{}, fmt.Errorf("using --btf: %w", err)
	}
	return out, nil
}

// kernelBTF returns the raw BTF that f is or has.
func kernelBTF(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, len(elf.ELFMAG))
	if _, err := f.ReadAt(head, 0); err == nil && string(head) == elf.ELFMAG {
		k, _, err := vmlinuz.FromELF(f, info.Size())
		return k.BTF, err
	}
	data, err := action.ReadOpen(f, btfhub.MaxBTF)
	switch {
	case err != nil:
		return nil, err
	case strings.HasPrefix(string(data), elf.ELFMAG): // of a pipe
		k, _, err := vmlinuz.FromELF(bytes.NewReader(data), int64(len(data)))
		return k.BTF, err
	}
	return data, nil
}

// vmlinux reads the BTF of an uncompressed kernel image with debug information.
func (l btfLookup) vmlinux() (found, error) {
	for _, f := range kernel.FindBTF(l.root, l.id.Release) {
		data, err := fs.ReadFile(l.root, f.Path)
		if err != nil {
			continue
		}
		if spec, err := btf.LoadSpecFromReader(bytes.NewReader(data)); err == nil {
			return found{spec, "/" + f.Path}, nil
		}
	}
	return found{}, errors.New("no vmlinux file with BTF is installed")
}

func (l btfLookup) fromLayer() (found, error) {
	if len(l.layer) == 0 {
		return found{}, errors.New("the gadget carries no BTF")
	}
	layer, err := btfhub.OpenLayer(l.layer)
	if err != nil {
		return found{}, err
	}
	path, data, err := layer.Find(l.id)
	if err != nil {
		return found{}, err
	}
	return specFrom(data, "the gadget, "+path)
}

func (l btfLookup) fromHub() (found, error) {
	if l.hub == "" {
		return found{}, fmt.Errorf("%s is not set", HubEnv)
	}
	for _, c := range l.id.BTFHubCandidates() {
		path := filepath.Join(l.hub, filepath.FromSlash(strings.TrimSuffix(c, btfhub.BTFSuffix)+btfhub.ArchiveSuffix))
		data, err := btfhub.ReadArchiveFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return found{}, err
		}
		return specFrom(data, path)
	}
	return found{}, fmt.Errorf("the directory %q has no archive for this kernel", l.hub)
}

func specFrom(data []byte, from string) (found, error) {
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(data))
	if err != nil {
		return found{}, fmt.Errorf("reading the BTF of %s: %w", from, err)
	}
	return found{spec, from}, nil
}

// readBTF reads the file of --btf, before anything is fetched.
func (s *session) readBTF(ctx context.Context) error {
	if s.cmd.BTF == "" || s.rest.Help {
		return nil
	}
	ctx, cancel := bound(ctx, s.cmd.Timeout)
	defer cancel()
	var err error
	s.givenBTF, err = fileBTF(ctx, string(s.cmd.BTF))
	return err
}

// relocationTypes is the BTF that a run relocates against, found once.
type relocationTypes struct {
	once  sync.Once
	types *btf.Spec
	err   error
}

// kernelTypes returns the BTF to relocate against, nil for the running
// kernel's own. An object without relocations needs none.
func (s *session) kernelTypes() (*btf.Spec, error) {
	s.relocation.once.Do(func() { s.relocation.types, s.relocation.err = s.findTypes() })
	return s.relocation.types, s.relocation.err
}

func (s *session) findTypes() (*btf.Spec, error) {
	f := s.givenBTF
	if f.Types == nil {
		if !s.plan.NeedsBTF() {
			return nil, nil
		}
		id, err := kernel.FromHost()
		if err != nil {
			return nil, err
		}
		f, err = btfLookup{root: os.DirFS("/"), layer: s.artifact.BTF, hub: os.Getenv(HubEnv), id: id}.find()
		if err != nil {
			return nil, err
		}
	}
	s.detailf("using the BTF of %s", f.From)
	return f.Types, nil
}

// kernelEnum returns the running kernel's version of an enum, which may have more
// values than the object knew, and other numbers for the same names. For a kernel
// without BTF of its own it comes from the BTF that the gadget is relocated against,
// which has it if a program reads one of its values.
func (s *session) kernelEnum(name string) *btf.Enum {
	spec, err := s.kernel.Kernel()
	if err != nil {
		// An error shows again where the gadget is loaded.
		if spec, err = s.kernelTypes(); spec == nil || err != nil {
			return nil
		}
	}
	var enum *btf.Enum
	if spec.TypeByName(name, &enum) != nil {
		return nil
	}
	return enum
}
