package runner_test

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
)

// detachPatience bounds how long the kernel may take to free programs.
const detachPatience = time.Minute

// waitUnattached waits until no program whose name is name is in the kernel
// without a process that holds it, which is what a gadget leaves that is
// not detached. Gadgets that others run are held by their processes.
func waitUnattached(name string) error {
	left, err := abandoned(name)
	for deadline := time.Now().Add(detachPatience); err == nil && len(left) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("programs called %q are still in the kernel", name)
		}
		now, failed := abandoned(name)
		err = failed
		maps.DeleteFunc(left, func(id ebpf.ProgramID, _ bool) bool { return !now[id] })
	}
	return err
}

// abandoned returns the programs of the name that no process holds.
func abandoned(name string) (map[ebpf.ProgramID]bool, error) {
	found, err := programs(name)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	files, err := filepath.Glob("/proc/[0-9]*/fdinfo/*")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		for _, id := range heldBy(file) {
			delete(found, id)
		}
	}
	return found, nil
}

// heldBy returns the programs that a file descriptor holds, whose state is in
// file: none when it is closed meanwhile.
func heldBy(file string) (ids []ebpf.ProgramID) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if key != "prog_id" {
			continue
		}
		if id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32); err == nil {
			ids = append(ids, ebpf.ProgramID(id))
		}
	}
	return ids
}

// programsOf returns how many programs the process pid holds.
func programsOf(pid int) int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	held := map[ebpf.ProgramID]bool{}
	for _, file := range files {
		for _, id := range heldBy(file) {
			held[id] = true
		}
	}
	return len(held)
}

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
