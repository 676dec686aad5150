// Package vmlinux holds the compressed vmlinux.h of each architecture, for
// programs that build gadgets without Bazel.
package vmlinux

import _ "embed"

// Archive is a tar archive, compressed with xz, of <architecture>/vmlinux.h. They are
// packed together because they have most lines in common.
//
//go:embed vmlinux.tar.xz
var Archive string
