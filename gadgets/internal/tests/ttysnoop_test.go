package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// ttyEvent is one event of data source ttysnoop.
type ttyEvent struct {
	Proc   live.Process `json:"proc"`
	InoPtr uint64       `json:"inoptr"`
	shown
}

// shown is what a test compares of each event.
type shown struct {
	Ino uint64 `json:"ino"`
	TTY string `json:"tty"`
	Len int    `json:"len"`
	Buf string `json:"buf"`
}

// terminal is a pseudo terminal of its own instance of devpts.
type terminal struct {
	number        int
	master, slave int
	masterIno     uint64
	slaveIno      uint64
}

func newTerminal(t *testing.T) terminal {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("devpts", dir, "devpts", 0, "ptmxmode=0600"); err != nil {
		t.Fatalf("mounting devpts: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	master, masterIno := openTerminal(t, filepath.Join(dir, "ptmx"))
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, slaveIno := openTerminal(t, filepath.Join(dir, fmt.Sprint(number)))
	return terminal{number, master, slave, masterIno, slaveIno}
}

// openTerminal opens a terminal so that writing waits for room, unlike with package os.
func openTerminal(t *testing.T, path string) (int, uint64) {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("opening %s: %v", path, err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		t.Fatal(err)
	}
	return fd, stat.Ino
}

// use writes to the terminal, by several calls, and reads what it shows.
func (p terminal) use(t *testing.T, long string) {
	t.Helper()
	go func() {
		for buf := make([]byte, 4096); ; {
			if _, err := unix.Read(p.master, buf); err != nil {
				return // the slave is closed
			}
		}
	}()
	write := func(fd int, text string) {
		if _, err := unix.Write(fd, []byte(text)); err != nil {
			t.Errorf("writing to the terminal: %v", err)
		}
	}
	write(p.slave, "\x1b[1mhello\n")
	if _, err := unix.Writev(p.slave, [][]byte{[]byte("one "), []byte("two")}); err != nil {
		t.Errorf("writing to the terminal: %v", err)
	}
	write(p.slave, long)
	write(p.master, "typed\r")
}

func TestTTYSnoop(t *testing.T) {
	live.NeedsFunctions(t)
	p := newTerminal(t)
	file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // no terminal
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const chunk = 2048 // what the kernel writes at once
	long := strings.Repeat("0123456789", 500)
	name := fmt.Sprint("pts", p.number)
	output := []shown{{p.slaveIno, name, 10, "\x1b[1mhello\n"}, {p.slaveIno, name, 7, "one two"}}
	for part := range slices.Chunk([]byte(long), chunk) {
		output = append(output, shown{p.slaveIno, name, len(part), string(part)})
	}
	input := shown{p.masterIno, fmt.Sprint("ptm", p.number), 6, "typed\r"}
	cases := []struct {
		name string
		args []string
		want []shown
	}{
		{"output", nil, output},
		{"comm", []string{"--comm", live.Comm(t)}, output},
		{"input", []string{"--input", "--pid", fmt.Sprint(os.Getpid())}, append(slices.Clone(output), input)},
		{"another process", []string{"--pid", "1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []shown
			for _, e := range live.Observe[ttyEvent](t, "ttysnoop", c.args, func() {
				p.use(t, long)
				_, _ = file.WriteString("not shown")
			}) {
				if e.Proc.Own() && strings.HasSuffix(e.TTY, fmt.Sprint(p.number)) {
					got = append(got, e.shown)
				}
				if e.InoPtr == 0 {
					t.Errorf("an event without the address of its inode: %+v", e)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("what was written (-want +got):\n%s", diff)
			}
		})
	}
}
