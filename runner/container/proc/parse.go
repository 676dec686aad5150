// Package proc reads what the kernel reports about a process and its container:
// namespaces, cgroups and start. The parsers take bytes; FS reads the files.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Namespace returns the inode in the target of a link of /proc/PID/ns, as in
// "mnt:[4026531840]".
func Namespace(link string) (uint64, error) {
	_, rest, ok := strings.Cut(link, ":[")
	digits, ok2 := strings.CutSuffix(rest, "]")
	n, err := strconv.ParseUint(digits, 10, 64)
	if !ok || !ok2 || err != nil {
		return 0, fmt.Errorf("%q is not a link to a namespace", link)
	}
	return n, nil
}

// Cgroups returns the paths in the text of /proc/PID/cgroup, "" for a hierarchy
// that the process is in the root of: v2 of the unified hierarchy, v1 of
// systemd's among the others, or of the first where that has none.
func Cgroups(text []byte) (v1, v2 string) {
	other := ""
	for line := range bytes.Lines(text) {
		// ID:CONTROLLERS:PATH, and the path may hold colons (man 7 cgroups)
		parts := strings.SplitN(strings.TrimSuffix(string(line), "\n"), ":", 3)
		if len(parts) < 3 || parts[2] == "/" {
			continue
		}
		switch path := parts[2]; {
		case parts[0] == "0" && parts[1] == "":
			v2 = path
		case parts[1] == "name=systemd":
			v1 = path
		case other == "":
			other = path
		}
	}
	if v1 == "" {
		v1 = other
	}
	return v1, v2
}

// startField is the place of starttime among the fields of /proc/PID/stat that
// come after the name, which is the second of all and starttime the 22nd.
const startField = 22 - 3

// ticks are in which the kernel counts to user space, on every machine that it
// runs on: USER_HZ.
const ticks = 100

// Started returns when a process started after the machine did, from the text
// of /proc/PID/stat. The name of the process may hold spaces and brackets.
func Started(stat []byte) (time.Duration, error) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, errors.New("the state of the process has no name")
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) <= startField {
		return 0, fmt.Errorf("the state of the process has %d fields, and no start", len(fields))
	}
	n, err := strconv.ParseUint(fields[startField], 10, 63)
	const most = uint64((1<<63 - 1) / (int64(time.Second) / ticks))
	if err != nil || n > most {
		return 0, fmt.Errorf("the process started at %q, which is not a time", fields[startField])
	}
	return time.Duration(n) * (time.Second / ticks), nil
}

// Boot returns when the machine started, from the text of /proc/stat.
func Boot(stat []byte) (time.Time, error) {
	for line := range bytes.Lines(stat) {
		if rest, ok := strings.CutPrefix(string(line), "btime "); ok {
			sec, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			if err != nil || sec < 0 || sec > 1<<40 {
				return time.Time{}, fmt.Errorf("the machine started at %q, which is not a time", strings.TrimSpace(rest))
			}
			return time.Unix(sec, 0), nil
		}
	}
	return time.Time{}, errors.New("the kernel does not report when it started")
}
