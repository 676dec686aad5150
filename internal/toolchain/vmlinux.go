package toolchain

import (
	"encoding/json"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/pinned"
)

// headersLock is vmlinux.json.
type headersLock struct {
	Format  int `json:"format"`
	Headers map[arch.Arch]struct {
		File string `json:"file"`
	} `json:"headers"`
}

func parseHeaders(data []byte) (headersLock, error) {
	var l headersLock
	if err := json.Unmarshal(data, &l); err != nil {
		return l, fmt.Errorf("reading lock file: %w", err)
	}
	if l.Format != pinned.LockFormat {
		return l, fmt.Errorf("reading lock file: format %d is not understood", l.Format)
	}
	return l, nil
}
