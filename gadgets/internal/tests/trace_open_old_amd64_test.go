package tests

import (
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// oldCalls are those that only the older architectures have.
func oldCalls(dir string) []openCall {
	file, created := filepath.Join(dir, "file"), filepath.Join(dir, "created")
	const creatFlags = unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC
	return []openCall{
		{"open", func() (uintptr, syscall.Errno) {
			fd, _, errno := syscall.Syscall(unix.SYS_OPEN, pointer(file), unix.O_RDWR, 0o7777)
			return fd, errno
		}, openWant{Fname: file, Flags: unix.O_RDWR}},
		{"creat", func() (uintptr, syscall.Errno) {
			fd, _, errno := syscall.Syscall(unix.SYS_CREAT, pointer(created), 0o640, 0)
			return fd, errno
		}, openWant{Fname: created, Flags: creatFlags, Mode: 0o640}},
	}
}
