package engine

// The fixtures of the tests, compiled to objects that are committed.
//go:generate go run testdata/compile.go
