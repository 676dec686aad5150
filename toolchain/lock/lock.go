// Package lock holds the lock files of the pinned toolchain, for programs that
// build gadgets without Bazel.
package lock

import _ "embed"

// LLVM is llvm.json: the Debian packages of each compiler version.
//
//go:embed llvm.json
var LLVM []byte

// Libbpf is libbpf.json: the package of libbpf's headers.
//
//go:embed libbpf.json
var Libbpf []byte

// Linux is linux.json: the package of the kernel's headers for programs.
//
//go:embed linux.json
var Linux []byte

// Go is go.json: the Go toolchain that builds wasm programs.
//
//go:embed go.json
var Go []byte

// OCIRuntime is oci_runtime.json: the package of an OCI runtime and of its
// libraries.
//
//go:embed oci_runtime.json
var OCIRuntime []byte
