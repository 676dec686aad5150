package wasm

import (
	"sync"
	"time"
)

// watchdog ends a program that takes too long. What the host does for it, such
// as writing to a slow output, does not count.
type watchdog struct {
	expire func()

	mu      sync.Mutex
	timer   *time.Timer
	limit   time.Duration
	left    time.Duration
	since   time.Time
	depth   int
	expired bool
}

// start begins a call of at most limit; a call inside another shares its time.
func (w *watchdog) start(limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.depth++; w.depth > 1 {
		return
	}
	w.left = limit
	w.run()
}

func (w *watchdog) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.depth--; w.depth == 0 {
		w.timer.Stop()
	}
}

// pause stops the clock while the host works, resume continues it.
func (w *watchdog) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.left -= time.Since(w.since)
}

func (w *watchdog) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run()
}

func (w *watchdog) run() {
	w.since = time.Now()
	left := max(w.left, 0)
	if w.timer == nil {
		w.timer = time.AfterFunc(left, w.fire)
		return
	}
	w.timer.Reset(left)
}

func (w *watchdog) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.depth == 0 || time.Since(w.since) < w.left {
		return // of a call that has ended since
	}
	w.expired = true
	w.expire()
}

func (w *watchdog) hasExpired() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.expired
}
