package assemble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// UpdateMetadata writes into gadget.yaml what it lacks of the program, compiled
// for one of the architectures that the gadget builds for. A gadget without
// program lacks nothing.
func UpdateMetadata(ctx context.Context, req ImageRequest) error {
	b, err := req.Directory.ReadBuildFile()
	if err != nil {
		return err
	}
	a := arch.Host()
	if archs := req.archs(b); !b.BuildsFor(a) && len(archs) > 0 {
		a = archs[0]
	}
	compiled, err := req.compile(ctx, []arch.Arch{a})
	if err != nil || len(compiled[0].Object) == 0 {
		return err
	}
	name := filepath.Join(req.Directory.Dir, filepath.FromSlash(req.Directory.relative(b.Metadata.Path)))
	existing, err := action.ReadFile(name, gadget.MaxConfig)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading metadata: %w", err)
	}
	dir, err := filepath.Abs(req.Directory.Dir)
	if err != nil {
		return err
	}
	updated, err := gadget.UpdateMetadata(existing, compiled[0].Object, filepath.Base(dir))
	if err != nil || bytes.Equal(existing, updated) {
		return err
	}
	if err := action.WriteFile(name, updated); err != nil {
		return fmt.Errorf("writing metadata: %w", err)
	}
	return nil
}
