package wasmapi

import (
	"fmt"
	"runtime"
)

// Level is the level of a message.
type Level uint32

// The levels of messages.
const (
	LevelError Level = iota
	LevelWarn
	LevelInfo
	LevelDebug
	LevelTrace
)

// Logf logs a message, which is only formatted where its level is shown.
func Logf(level Level, format string, args ...any) {
	if gadgetShouldLog(uint32(level)) != 1 {
		return
	}
	s := fmt.Sprintf(format, args...)
	gadgetLog(uint32(level), textPointer(s))
	runtime.KeepAlive(s)
}

// Errorf logs an error.
func Errorf(format string, args ...any) { Logf(LevelError, format, args...) }

// Warnf logs a warning.
func Warnf(format string, args ...any) { Logf(LevelWarn, format, args...) }

// Infof logs a message for the user.
func Infof(format string, args ...any) { Logf(LevelInfo, format, args...) }

// Debugf logs a message for who looks for a fault.
func Debugf(format string, args ...any) { Logf(LevelDebug, format, args...) }

// Run calls fn, logs its error, and returns what an exported function returns: 0,
// or 1 for an error.
func Run(fn func() error) int32 {
	if err := fn(); err != nil {
		Errorf("%v", err)
		return 1
	}
	return 0
}
