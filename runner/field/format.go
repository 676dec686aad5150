package field

import (
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/symbolizer"
)

// Env describes the machine that events come from, as far as formatting depends on it.
// The zero Env is usable: boot at the Unix epoch, no names of users.
type Env struct {
	Boot     time.Time      // wall-clock time of boot
	Location *time.Location // of formatted timestamps, UTC when nil
	Arch     arch.Arch      // for flags whose bits differ
	Users    func(uid uint32) string
	Groups   func(gid uint32) string
	// Enum returns the kernel's own version of a named enum, which may have
	// more values than the object knew, or nil.
	Enum func(name string) *btf.Enum
	// Containers adds fields that describe the container; nil adds none.
	Containers *Containers
	// Stacks has the texts of stacks; nil for none.
	Stacks *symbolizer.Stacks
}

// formatter makes the text of a special type out of its number. It is called
// from one goroutine.
type formatter func(dst []byte, v uint64) []byte

// formatters make the texts of the special types that have a sibling.
var formatters = map[string]func(b *builder, f *Field) formatter{
	gadgetapi.TypeTimestamp: timestampFormatter,
	gadgetapi.TypeSignal:    plain(appendSignal),
	gadgetapi.TypeErrno:     plain(appendErrno),
	gadgetapi.TypeSyscall:   syscallFormatter,
	gadgetapi.TypeBytes:     plain(appendBytes),
	gadgetapi.TypeDuration:  plain(appendDuration),
	gadgetapi.TypeFileMode:  plain(appendFileMode),
	gadgetapi.TypeFileFlags: flagsFormatter,
	gadgetapi.TypeUID:       userFormatter,
	gadgetapi.TypeGID:       groupFormatter,
}

func plain(fn formatter) func(*builder, *Field) formatter {
	return func(*builder, *Field) formatter { return fn }
}
