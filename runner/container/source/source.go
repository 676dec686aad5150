// Package source is what the container runtimes have in common: each is queried
// through an implementation of Source.
package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
)

// Limits of what a runtime may answer.
const (
	MaxAnswer = 64 << 20         // bytes of one answer: some thousand containers
	MaxEvent  = 4 << 20          // bytes of one event
	Timeout   = 10 * time.Second // of one call
)

// ErrGone is what Inspect returns for a container that has no process.
var ErrGone = errors.New("the container does not run")

// Info is what a runtime reports about a container that has a process.
type Info struct {
	ID          string
	Name        string
	ImageName   string
	ImageID     string
	ImageDigest string
	StartedAt   time.Time // zero where the runtime does not report it
	PID         uint32
	Labels      map[string]string

	SandboxID string
	PodName   string            // of pods that are not of Kubernetes
	PodLabels map[string]string // labels of the sandbox
}

// Source is one container runtime. Its methods may be called at once from
// several goroutines.
type Source interface {
	// List returns the containers that have a process, without those that only
	// hold the namespaces of a pod.
	List(ctx context.Context) ([]Info, error)
	// Inspect returns one of them, or an error that is ErrGone.
	Inspect(ctx context.Context, id string) (Info, error)
	// Events calls ready once it gets every change from then on, and
	// changed with the ID of each container that may have started or ended,
	// until ctx ends or the runtime hangs up. It never returns nil.
	Events(ctx context.Context, ready func(), changed func(id string)) error
	// Close ends the connections.
	Close() error
}

// ImageID returns an image's ID as docker and containerd write it: podman and
// CRI-O leave out what the digits are.
func ImageID(id string) string {
	if len(id) == hex.EncodedLen(sha256.Size) {
		return "sha256:" + id
	}
	return id
}
