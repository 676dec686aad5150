package symbolizer

import "golang.org/x/sys/unix"

// The maps of stacks in objects (public gadget API).
const (
	KernelStackMap = "ig_kstack"
	UserStackMap   = "ig_ustack"
	BuildIDMap     = "ig_build_id"
)

// Stacks are the stacks of one gadget. They are empty until Bind gives them the
// maps, which exist only once the gadget is loaded.
type Stacks struct {
	kernel *KernelStacks
	user   *UserStacks
	pidns  uint32 // that of this process's /proc, 0 when it is unknown
}

// Bind gives s the maps of a loaded gadget; those that it does not have are nil.
// It must be called before there are events.
func (s *Stacks) Bind(kernel, user, builds Map, symbols *User, warn func(error)) {
	if kernel != nil {
		s.kernel = NewKernelStacks(kernel, &Kernel{Warn: warn})
	}
	if user != nil {
		s.user = NewUserStacks(user, builds, symbols)
	}
	var st unix.Stat_t
	if unix.Stat("/proc/self/ns/pid", &st) == nil {
		s.pidns = uint32(st.Ino)
	}
}

// AppendKernel appends the kernel stack called id.
func (s *Stacks) AppendKernel(dst []byte, id uint32) []byte {
	if s == nil || s.kernel == nil {
		return dst
	}
	return s.kernel.Append(dst, id)
}

// PIDs are the numbers of a process in the first pid namespaces.
type PIDs struct {
	Level0, Level1 uint32
	NS1            uint32 // the namespace of Level1
}

// UserText returns what is known of the user stack called id of a process.
func (s *Stacks) UserText(id, hash uint32, pids PIDs) *UserText {
	if s == nil || s.user == nil {
		return &noText
	}
	pid := pids.Level0
	if pids.NS1 != 0 && pids.NS1 == s.pidns {
		pid = pids.Level1
	}
	return s.user.Text(UserStack{ID: id, Process: Process{PID: pid, Hash: hash}})
}
