package wasm

import (
	"sync/atomic"
	"testing"
	"time"
)

// TestWatchdogOfBusyMachine lets a call wait that gets no CPU, and ends one that does.
func TestWatchdogOfBusyMachine(t *testing.T) {
	const limit = 20 * time.Millisecond
	var used, more atomic.Int64 // CPU time, and what is added to it with each look
	looked, expired := make(chan struct{}, 1000), make(chan struct{})
	w := watchdog{expire: func() { close(expired) }, used: func() time.Duration {
		looked <- struct{}{}
		return time.Duration(used.Add(more.Load()))
	}}
	start := time.Now()
	w.start(limit)
	for time.Since(start) < 5*limit {
		<-looked // again each time the limit has passed
	}
	if w.hasExpired() {
		t.Fatal("a call without CPU time has expired")
	}
	w.pause()
	w.resume()
	more.Store(int64(limit / 4))
	<-expired
	w.stop()
	if !w.hasExpired() {
		t.Error("a call that used its limit has not expired")
	}
}
