package field

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestSyscallNames(t *testing.T) {
	number, ok := SyscallNumber("openat")
	name, found := SyscallName(number)
	if !ok || !found || name != "openat" {
		t.Errorf("openat is number %d, which is %q", number, name)
	}
	if _, ok := SyscallNumber("no_such_call"); ok {
		t.Error("an unknown system call has a number")
	}
	if _, ok := SyscallName(1 << 40); ok {
		t.Error("an unknown number has a name")
	}
}

// TestSyscallNumbersOfThisMachine are those that programs of this architecture use.
func TestSyscallNumbersOfThisMachine(t *testing.T) {
	for name, number := range map[string]uint64{
		"read": unix.SYS_READ, "openat": unix.SYS_OPENAT, "execve": unix.SYS_EXECVE, "mount": unix.SYS_MOUNT,
		"bpf": unix.SYS_BPF, "clone3": unix.SYS_CLONE3, "openat2": unix.SYS_OPENAT2, "exit_group": unix.SYS_EXIT_GROUP,
	} {
		if got, ok := SyscallNumber(name); !ok || got != number {
			t.Errorf("%s has the number %d (%t), want %d", name, got, ok, number)
		}
		if got, ok := SyscallName(number); !ok || got != name {
			t.Errorf("number %d is called %q (%t), want %s", number, got, ok, name)
		}
	}
}

// TestSyscallNamesAreUnique: a name has one number.
func TestSyscallNamesAreUnique(t *testing.T) {
	numbers := map[string]uint64{}
	for number := range uint64(1024) {
		name, ok := SyscallName(number)
		if !ok {
			continue
		}
		if other, twice := numbers[name]; twice {
			t.Errorf("%s is the name of %d and %d", name, other, number)
		}
		numbers[name] = number
	}
	if len(numbers) < 300 {
		t.Errorf("%d system calls have names, want at least 300", len(numbers))
	}
}
