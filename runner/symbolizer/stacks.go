package symbolizer

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
)

// MaxDepth is how many addresses a stack in a map has at most (public gadget
// API); those that are not used are 0.
const MaxDepth = 127

// Map is a map of stacks by id; an *ebpf.Map.
type Map interface {
	Lookup(key, value any) error
}

// texts keeps what was made of stacks. When it is full the older half goes.
type texts[K comparable, V any] struct {
	recent, older map[K]V
}

// maxTexts is how many stacks each half keeps.
const maxTexts = 2048

func (t *texts[K, V]) get(k K) (V, bool) {
	if v, ok := t.recent[k]; ok {
		return v, true
	}
	v, ok := t.older[k]
	if ok {
		t.put(k, v)
	}
	return v, ok
}

func (t *texts[K, V]) put(k K, v V) {
	if t.recent == nil || len(t.recent) >= maxTexts {
		t.recent, t.older = make(map[K]V), t.recent
	}
	t.recent[k] = v
}

// separator follows every entry of a stack, also the last one: the form
// that consumers of such fields split at.
const separator = "; "

// KernelStacks writes the stacks of a map as names of functions of the kernel. It
// may be used from any goroutine.
type KernelStacks struct {
	stacks Map
	kernel *Kernel

	mu    sync.Mutex
	cache texts[uint32, []byte]
}

// NewKernelStacks returns the stacks of m.
func NewKernelStacks(m Map, kernel *Kernel) *KernelStacks {
	return &KernelStacks{stacks: m, kernel: kernel}
}

// unknownFunction is shown for a function without a name.
const unknownFunction = "[unknown]"

// Append appends the stack called id: "a; b; ". Nothing is appended for a stack
// that could not be taken or was lost.
func (s *KernelStacks) Append(dst []byte, id uint32) []byte {
	if int32(id) < 0 {
		return dst
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.cache.get(id)
	if !ok {
		text = s.text(id)
		s.cache.put(id, text)
	}
	return append(dst, text...)
}

func (s *KernelStacks) text(id uint32) []byte {
	var addrs [MaxDepth]uint64
	if err := s.stacks.Lookup(id, &addrs); err != nil {
		return nil
	}
	var out []byte
	for i, addr := range addrs {
		if addr == 0 {
			break
		}
		// All but the first are addresses that calls return to.
		if i > 0 {
			addr--
		}
		if name := s.kernel.Find(addr); name != nil {
			out = append(out, name...)
		} else {
			out = append(out, unknownFunction...)
		}
		out = append(out, separator...)
	}
	return out
}

// UserStack is a stack of a program: its ID and its process.
type UserStack struct {
	ID uint32
	Process
}

// UserText is what is known of a user stack, each with one entry for a function.
type UserText struct {
	Addresses, BuildIDs, Symbols []byte
}

// UserStacks writes the stacks of a map. It may be used from any goroutine.
type UserStacks struct {
	stacks, builds Map // builds may be nil
	user           *User

	mu    sync.Mutex
	cache texts[UserStack, *UserText]
}

// NewUserStacks returns the stacks of a map of addresses and of one of build ids,
// which may be nil. Without user no function gets a name.
func NewUserStacks(stacks, builds Map, user *User) *UserStacks {
	return &UserStacks{stacks: stacks, builds: builds, user: user}
}

// noText is the text of a stack that there is not.
var noText UserText

// Text returns what is known of st; the caller must not change it.
func (s *UserStacks) Text(st UserStack) *UserText {
	if int32(st.ID) < 0 || st.PID == 0 {
		return &noText
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.cache.get(st)
	if !ok {
		text = s.text(st)
		s.cache.put(st, text)
	}
	return text
}

// buildID is the kernel's struct bpf_stack_build_id.
type buildID struct {
	Status int32
	ID     [20]byte
	Offset uint64 // in the file, or the address
}

// The values of buildID.Status.
const (
	buildIDEmpty = 0
	buildIDValid = 1
	buildIDAddr  = 2
)

func (s *UserStacks) text(st UserStack) *UserText {
	var addrs [MaxDepth]uint64
	if err := s.stacks.Lookup(st.ID, &addrs); err != nil {
		return &noText
	}
	var builds [MaxDepth]buildID
	if s.builds != nil {
		// Stacks that were taken without build ids have none.
		_ = s.builds.Lookup(st.ID, &builds)
	}
	out := &UserText{}
	for i, addr := range addrs {
		if addr == 0 {
			break
		}
		out.Addresses = fmt.Appendf(out.Addresses, "0x%016x"+separator, addr)
		out.BuildIDs = appendBuildID(out.BuildIDs, builds[i])
		if s.user != nil {
			out.Symbols = append(s.symbol(out.Symbols, st, addr, builds[i], i == 0), separator...)
		}
	}
	return out
}

// symbol appends the name of the function at addr. The mappings of the process
// reveal most; where it has ended the build id helps.
func (s *UserStacks) symbol(dst []byte, st UserStack, addr uint64, b buildID, first bool) []byte {
	start := len(dst)
	if first {
		dst = s.user.Append(dst, st.Process, addr)
	} else {
		dst = s.user.AppendCaller(dst, st.Process, addr)
	}
	if string(dst[start:]) != "0x"+strconv.FormatUint(addr, 16) || b.Status != buildIDValid {
		return dst
	}
	look := b.Offset
	if !first {
		look--
	}
	if byBuild, ok := s.user.AppendBuild(dst[:start], b.ID[:], look); ok {
		return byBuild
	}
	return dst
}

func appendBuildID(dst []byte, b buildID) []byte {
	switch b.Status {
	case buildIDValid:
		dst = hex.AppendEncode(dst, b.ID[:])
		return append(strconv.AppendUint(append(dst, " +"...), b.Offset, 16), separator...)
	case buildIDAddr:
		return append(strconv.AppendUint(dst, b.Offset, 16), separator...)
	}
	return dst
}
