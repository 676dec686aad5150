// Package ociruntime finds the program that runs a step of a build in a
// container.
package ociruntime

import (
	"errors"
	"os/exec"
)

// ErrNone says that the machine has no OCI runtime.
var ErrNone = errors.New("no runc or crun in PATH, install the package runc or crun to build what has a RUN")

// Names are the programs that are looked for, in order.
func Names() []string { return []string{"runc", "crun"} }

// Find returns the program to use.
func Find() (string, error) {
	for _, name := range Names() {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}
