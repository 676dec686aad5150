package main

import (
	"errors"
	"os"

	"github.com/cilium/ebpf"
)

// programs returns the programs in the kernel whose name is name.
func programs(name string) (map[ebpf.ProgramID]bool, error) {
	found := map[ebpf.ProgramID]bool{}
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info, err := p.Info(); err == nil && info.Name == name {
			found[id] = true
		}
		p.Close()
	}
}
