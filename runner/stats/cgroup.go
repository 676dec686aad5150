package stats

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxCgroups is how many cgroups one reading has.
const maxCgroups = 1 << 16

// Cgroup is one row of the data source "cgroups": a cgroup v2 with a limit of its
// CPU time. Counts and times are those since the last reading.
type Cgroup struct {
	Path                 string
	Periods, Throttled   uint64
	ThrottledTime        time.Duration
	ThrottleRatio        float64 // percent of the periods
	Quota, Period        time.Duration
	LimitCores           float64
	Pressure10, Pressure float64 // PSI "some" of 10 and of 60 seconds
	MountNS              uint64  // of a process in it
}

// Cgroups reads the cgroups of this machine's processes. Use it from one
// goroutine.
type Cgroups struct {
	proc, root string
	before     map[string]counters
	rows       []Cgroup
	file       reader
}

// counters are what a cgroup counts since it was made.
type counters struct{ periods, throttled, micros uint64 }

// NewCgroups returns a reader of the cgroups that the processes in proc, "/proc",
// belong to, below root, "/sys/fs/cgroup".
func NewCgroups(proc, root string) *Cgroups {
	return &Cgroups{proc: proc, root: root, before: map[string]counters{}}
}

// Read returns the cgroups that have a limit now, in the order of their paths.
// The rows are valid until the next call.
func (c *Cgroups) Read() ([]Cgroup, error) {
	found, err := c.discover()
	if err != nil {
		return nil, fmt.Errorf("reading cgroups: %w", err)
	}
	c.rows = c.rows[:0]
	after := make(map[string]counters, len(found))
	for _, p := range slices.Sorted(maps.Keys(found)) {
		row := Cgroup{Path: p, MountNS: found[p]}
		now, ok := c.readOne(&row)
		if !ok {
			continue
		}
		after[p] = now
		before, seen := c.before[p]
		if !seen {
			before = now
		}
		row.since(before, now)
		c.rows = append(c.rows, row)
	}
	c.before = after
	return c.rows, nil
}

func (row *Cgroup) since(before, now counters) {
	if now.periods < before.periods { // the cgroup was made again
		before = counters{}
	}
	row.Periods, row.Throttled = now.periods-before.periods, now.throttled-before.throttled
	row.ThrottledTime = time.Duration(now.micros-before.micros) * time.Microsecond
	if row.Periods > 0 {
		row.ThrottleRatio = float64(row.Throttled) / float64(row.Periods) * 100
	}
}

// discover returns the cgroups of all processes and those above them, each with
// the mount namespace of a process in it.
func (c *Cgroups) discover() (map[string]uint64, error) {
	names, err := readNames(c.proc)
	if err != nil {
		return nil, err
	}
	out := map[string]uint64{}
	for _, name := range names {
		if _, err := strconv.ParseUint(name, 10, 31); err != nil {
			continue
		}
		data, err := c.file.read(c.proc + "/" + name + "/cgroup")
		if err != nil {
			continue
		}
		p, ok := unified(data)
		if !ok || out[p] != 0 {
			continue
		}
		var st unix.Stat_t
		if unix.Stat(c.proc+"/"+name+"/ns/mnt", &st) != nil {
			continue
		}
		out[p] = st.Ino
		for up := path.Dir(p); up != "/" && up != "."; up = path.Dir(up) {
			if _, seen := out[up]; !seen {
				out[up] = 0
			}
		}
		if len(out) > maxCgroups {
			return nil, fmt.Errorf("more than %d", maxCgroups)
		}
	}
	return out, nil
}

func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(0)
}

// unified returns the path of the line "0::PATH".
func unified(data []byte) (string, bool) {
	for line := range bytes.Lines(data) {
		if p, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte("0::")); ok {
			clean := string(p)
			return clean, path.IsAbs(clean) && !strings.Contains(clean, "/..")
		}
	}
	return "", false
}

// readOne fills row with what does not depend on the last reading; false for a
// cgroup without a limit.
func (c *Cgroups) readOne(row *Cgroup) (counters, bool) {
	dir := c.root + row.Path
	data, err := c.file.read(dir + "/cpu.max")
	if err != nil || parseMax(row, data) != nil {
		return counters{}, false
	}
	if data, err = c.file.read(dir + "/cpu.stat"); err != nil {
		return counters{}, false
	}
	now := counters{keyed(data, "nr_periods "), keyed(data, "nr_throttled "), keyed(data, "throttled_usec ")}
	if data, err = c.file.read(dir + "/cpu.pressure"); err == nil {
		row.Pressure10, row.Pressure = pressure(data, "avg10="), pressure(data, "avg60=")
	}
	return now, true
}

var errNoLimit = errors.New("no limit")

// parseMax reads "QUOTA PERIOD" in microseconds; "max" is not a limit.
func parseMax(row *Cgroup, data []byte) error {
	quota, period := nextField(&data), nextField(&data)
	q, p := number(quota), number(period)
	if q == 0 || p == 0 {
		return errNoLimit
	}
	row.Quota, row.Period = time.Duration(q)*time.Microsecond, time.Duration(p)*time.Microsecond
	row.LimitCores = float64(q) / float64(p)
	return nil
}

// pressure returns a value of the line "some avg10=0.00 avg60=0.00 ...".
func pressure(data []byte, key string) float64 {
	for line := range bytes.Lines(data) {
		rest, ok := bytes.CutPrefix(line, []byte("some "))
		for f := nextField(&rest); ok && f != nil; f = nextField(&rest) {
			if v, ok := bytes.CutPrefix(f, []byte(key)); ok {
				out, _ := strconv.ParseFloat(string(v), 64)
				return out
			}
		}
	}
	return 0
}
