package symbolizer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// The names of ways to find symbols, as --symbolizers takes them.
const (
	auto             = "auto"
	none             = "none"
	symtab           = "symtab"
	debuginfodCache  = "debuginfod-cache"
	debuginfodServer = "debuginfod-cache-on-ig-server" // the same, without a server
	profiler         = "otel-ebpf-profiler"
)

// Parse reads the value of --symbolizers, "auto", "none" or a comma-separated
// list, and returns what it specifies; nil for no symbols. cache is the directory
// of debuginfod, "" for the usual one.
func Parse(value, cache string) (*User, error) {
	switch value {
	case "", auto:
		return NewUser(Options{}), nil
	case none:
		return nil, nil
	}
	var opts Options
	for name := range strings.SplitSeq(value, ",") {
		switch strings.TrimSpace(name) {
		case symtab:
		case debuginfodCache, debuginfodServer:
			if opts.DebuginfodCache = cache; cache == "" {
				opts.DebuginfodCache = usualCache()
			}
		case profiler:
			return nil, errors.New("symbolizer " + profiler + " needs a separate profiler, use " + symtab)
		case auto, none:
			return nil, fmt.Errorf("symbolizer %q cannot be combined with others", name)
		default:
			return nil, fmt.Errorf("symbolizer %q is unknown, %s", name,
				nearest.Advice(name, []string{auto, none, symtab, debuginfodCache}))
		}
	}
	return NewUser(opts), nil
}

// usualCache is where debuginfod clients keep what they loaded.
func usualCache() string {
	if dir := os.Getenv("DEBUGINFOD_CACHE_PATH"); dir != "" {
		return dir
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "debuginfod_client")
	}
	return ""
}
