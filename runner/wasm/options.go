package wasm

import (
	"time"

	"github.com/cilium/ebpf"
)

// Gadget is what a program may query from the gadget that it belongs to.
type Gadget interface {
	// Param returns the value of a parameter of the program.
	Param(key string) (value string, ok bool)
	// SetConfig sets a value of the metadata, before the eBPF program is loaded.
	SetConfig(key, value string) error
	// Map returns a map of the eBPF program once that is loaded, else nil.
	Map(name string) *ebpf.Map
	// Discards reports whether the user does not want events of a mount namespace.
	Discards(mountNS uint64) bool
}

// Kernel is what a program may query from the kernel.
type Kernel interface {
	// HasSymbol reports whether the kernel has a function or variable.
	HasSymbol(name string) bool
	// SyscallName returns the name of a system call.
	SyscallName(number uint64) (name string, ok bool)
	// SyscallNumber returns the number of a system call.
	SyscallNumber(name string) (number uint64, ok bool)
	// SyscallParams returns the parameters of a system call.
	SyscallParams(name string) ([]SyscallParam, error)
}

// SyscallParam is a parameter of a system call.
type SyscallParam struct {
	Name    string
	Pointer bool
}

// Handler receives the events after the program, one call at a time. Records
// are valid until the call returns.
type Handler interface {
	Event(source *Source, record []byte)
	Array(source *Source, records [][]byte)
}

// Limits bound what a program may use.
type Limits struct {
	MemoryPages uint32        // of 64 KiB
	Start       time.Duration // of each function but dataSourceCallback, on a CPU
	Event       time.Duration // of dataSourceCallback, on a CPU
}

// DefaultLimits are the limits of a program.
var DefaultLimits = Limits{MemoryPages: 1024, Start: 20 * time.Second, Event: 5 * time.Second}

// Options are what New needs in addition to the module.
type Options struct {
	// Sources are the data sources of the eBPF program.
	Sources []*Source
	Gadget  Gadget
	Kernel  Kernel
	// Handler receives events from Start on.
	Handler Handler
	// Log receives messages up to LogLevel; may be nil.
	Log      func(level Level, text string)
	LogLevel Level
	// Failed is called once when the program fails while events come; may be nil.
	Failed func(error)
	// Cache is the directory of compiled modules, empty for none.
	Cache string
	// Compilation is that of the module with the same Cache and Limits, nil to
	// compile it now.
	Compilation *Compilation
	// Limits are DefaultLimits when zero.
	Limits Limits
}
