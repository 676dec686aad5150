package wasm

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Level is the level of a message of a program.
type Level uint32

// The levels, as the API numbers them.
const (
	Error Level = iota
	Warn
	Info
	Debug
	Trace
)

// The limits of what a program may log.
const (
	logBurst    = 100
	logPerSec   = 20
	maxLogBytes = 4096
)

// logger hands the messages of a program on, a bounded number a second.
type logger struct {
	out func(level Level, text string)
	max Level

	mu      sync.Mutex
	tokens  float64
	last    time.Time
	dropped uint64
}

func newLogger(maximum Level, out func(level Level, text string)) *logger {
	return &logger{out: out, max: maximum, tokens: logBurst}
}

// wants reports whether messages of level are passed on.
func (l *logger) wants(level Level) bool { return l.out != nil && level <= l.max }

func (l *logger) log(level Level, text string) {
	if !l.wants(level) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.take(time.Now()) {
		l.dropped++
		return
	}
	l.report()
	l.out(level, oneLine(text))
}

func (l *logger) warnf(format string, args ...any) {
	if l.wants(Warn) {
		l.log(Warn, fmt.Sprintf(format, args...))
	}
}

// take takes a token out of the bucket.
func (l *logger) take(now time.Time) bool {
	l.tokens = min(logBurst, l.tokens+now.Sub(l.last).Seconds()*logPerSec)
	l.last = now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}

// report logs how many messages were left out.
func (l *logger) report() {
	if l.dropped > 0 {
		l.out(Warn, fmt.Sprintf("%d messages were left out, a program may log %d a second", l.dropped, logPerSec))
		l.dropped = 0
	}
}

// finish logs what was left out and not reported yet.
func (l *logger) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out != nil {
		l.report()
	}
}

// oneLine returns text cut to maxLogBytes, without control characters.
func oneLine(text string) string {
	if len(text) > maxLogBytes {
		text = text[:maxLogBytes] + "..."
	}
	text = strings.ToValidUTF8(strings.TrimSpace(text), "\uFFFD")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
