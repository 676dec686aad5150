// Package vmlinux holds the compressed vmlinux.h of each architecture, for
// programs that build gadgets without Bazel.
package vmlinux

import "embed"

// Files are the archives that vmlinux.json names.
//
//go:embed *.tar.xz
var Files embed.FS
