//go:build !amd64

package trace_open_test

// oldCalls are those that only the older architectures have.
func oldCalls(string) []call { return nil }
