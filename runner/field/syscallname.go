package field

import "strings"

// SyscallName returns the name of a system call of this machine, in lower case as
// the kernel has it.
func SyscallName(number uint64) (name string, ok bool) {
	name, ok = syscallNames[number]
	return strings.ToLower(name), ok
}

// SyscallNumber returns the number of a system call of this machine.
func SyscallNumber(name string) (number uint64, ok bool) {
	for n, s := range syscallNames {
		if strings.ToLower(s) == name {
			return n, true
		}
	}
	return 0, false
}
