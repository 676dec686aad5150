// Package clients tests gadget-run with the registries and clients of
// others, as processes: what one pushes, copies or signs the other reads. Run
// it with tools/dev/interop, which installs them.
package clients
