package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sample is what the service takes at one time.
type sample struct {
	at         time.Duration
	rss        int // KiB
	files      int // open file descriptors
	threads    int
	bpf        int // eBPF maps, programs and links among the descriptors
	events     int // since the start
	containers int // since the start
}

// sample reads /proc.
func (s *service) sample(at time.Duration) (sample, error) {
	dir := fmt.Sprintf("/proc/%d", s.cmd.Process.Pid)
	one := sample{at: at, events: int(s.events.Load())}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return one, fmt.Errorf("gadget-run has ended: %w\n%s", err, &s.notes)
	}
	one.rss, one.threads = statusField(status, "VmRSS"), statusField(status, "Threads")
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return one, err
	}
	one.files = len(fds)
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join(dir, "fd", fd.Name())); err == nil &&
			strings.HasPrefix(to, "anon_inode:bpf") {
			one.bpf++
		}
	}
	return one, nil
}

// statusField reads a number of /proc/PID/status.
func statusField(status []byte, name string) int {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte(name+":")); ok {
			if f := strings.Fields(string(rest)); len(f) > 0 {
				n, _ := strconv.Atoi(f[0])
				return n
			}
		}
	}
	return 0
}
