//go:build !amd64

package tests

// oldCalls are those that only the older architectures have.
func oldCalls(string) []openCall { return nil }
