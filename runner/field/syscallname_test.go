package field

import "testing"

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
