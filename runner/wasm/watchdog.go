package wasm

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// watchdog ends a program that takes too long. What the host does for it, such
// as writing to a slow output, does not count, nor does the time in which a busy machine
// lets this process wait.
type watchdog struct {
	expire func()
	used   func() time.Duration // CPU time of this process; nil for what the kernel says

	mu      sync.Mutex
	timer   *time.Timer
	left    time.Duration
	since   time.Time
	due     time.Time // when the timer is to fire
	looked  bool      // since the time below
	at, cpu time.Duration
	depth   int
	expired bool
}

// looks is the part of the limit after which the CPU time is looked at: most calls
// end earlier, and do not pay for it.
const looks = 10

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
	w.left -= w.ran()
}

func (w *watchdog) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run()
}

func (w *watchdog) run() {
	w.since, w.looked = time.Now(), false
	w.arm(max(w.left/looks, 0))
}

func (w *watchdog) arm(d time.Duration) {
	w.due = time.Now().Add(d)
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.fire)
		return
	}
	w.timer.Reset(d)
}

// ran returns how long the program had the CPU at most since it began or went on.
func (w *watchdog) ran() time.Duration {
	if !w.looked {
		return time.Since(w.since)
	}
	return w.at + w.cpuTime() - w.cpu
}

func (w *watchdog) cpuTime() time.Duration {
	if w.used != nil {
		return w.used()
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return time.Since(w.since) // does not happen
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func (w *watchdog) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.depth == 0 || time.Now().Before(w.due) {
		return // of a call that has ended since
	}
	ran := w.ran()
	if !w.looked {
		w.looked, w.at, w.cpu = true, ran, w.cpuTime()
	}
	if ran >= w.left {
		w.expired = true
		w.expire()
		return
	}
	w.arm(w.left - ran)
}

func (w *watchdog) hasExpired() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.expired
}
