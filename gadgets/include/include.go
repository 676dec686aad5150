// Package include holds the headers that gadgets include as <gadget/...>, for
// programs that build gadgets without Bazel.
package include

import "embed"

// Files are the headers, below "gadget".
//
//go:embed gadget/*.h
var Files embed.FS
