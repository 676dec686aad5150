// Package thread runs functions that change what a thread of the process belongs
// to, its namespaces for instance, which no other code of the process must see.
package thread

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Run calls fn on a thread that ends with it, and returns what fn returns.
func Run(fn func() error) error {
	done := make(chan error, 1)
	go onThread(func() { done <- fn() })
	return <-done
}

// onThread calls fn on a thread that ends with the calling goroutine. The first
// thread of a process cannot end and would keep what fn made, so there onThread
// waits for another one.
func onThread(fn func()) {
	// Not unlocked: the runtime ends the thread with the goroutine.
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		fn()
		return
	}
	defer runtime.UnlockOSThread()
	done := make(chan struct{})
	go onThread(func() {
		defer close(done)
		fn()
	})
	<-done
}
