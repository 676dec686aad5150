package btfgen

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
)

// ReadObjects parses BPF objects. Each is known by its path in errors and by
// its place in the list otherwise. An empty file, which represents a gadget
// without program, has no relocations.
func ReadObjects(paths []string) ([]*core.Object, error) {
	objects := make([]*core.Object, len(paths))
	for i, path := range paths {
		data, err := action.ReadFile(path, core.MaxObject)
		if err != nil {
			return nil, fmt.Errorf("reading object: %w", err)
		}
		if len(data) == 0 {
			objects[i] = &core.Object{Name: path}
			continue
		}
		if objects[i], err = core.ParseObject(path, data); err != nil {
			return nil, err
		}
	}
	return objects, nil
}
