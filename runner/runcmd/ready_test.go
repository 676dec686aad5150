package runcmd

import (
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReadyNotifiesAll(t *testing.T) {
	name := "@gadget-run-ready-" + strconv.Itoa(os.Getpid())
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil { // as inherited: without FD_CLOEXEC
		t.Fatal(err)
	}
	r, err := openReadiness(ends[1], func(string) string { return name })
	if err != nil {
		t.Fatal(err)
	}
	r.notify(t.Errorf)
	r.finish()
	script := os.NewFile(uintptr(ends[0]), "pipe")
	defer script.Close()
	if got, err := io.ReadAll(script); string(got) != "ready\n" || err != nil {
		t.Errorf("the script got %q, %v", got, err)
	}
	message := make([]byte, 64)
	if n, err := manager.Read(message); string(message[:n]) != "READY=1" || err != nil {
		t.Errorf("the service manager got %q, %v", message[:n], err)
	}
}

// A process that waits and does not read delays nothing.
func TestReadyDoesNotWait(t *testing.T) {
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	if err := unix.SetNonblock(ends[1], true); err != nil {
		t.Fatal(err)
	}
	for full := make([]byte, 4096); ; {
		if _, err := unix.Write(ends[1], full); err != nil {
			break
		}
	}
	if err := unix.SetNonblock(ends[1], false); err != nil {
		t.Fatal(err)
	}
	r, err := openReadiness(ends[1], func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	r.notify(func(string, ...any) {})
	r.finish()
	if took := time.Since(begin); took > readyGrace+5*time.Second {
		t.Errorf("a full pipe held the run up for %s", took)
	}
}

func TestReadyFDRefused(t *testing.T) {
	opened, err := os.Open(os.DevNull) // by this process itself
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	for fd, want := range map[int]string{
		1: "standard stream", -1: "standard stream", 1 << 20: "no such file descriptor",
		int(opened.Fd()): "no such file descriptor",
	} {
		if _, err := openReadiness(fd, os.Getenv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--ready-fd %d: got %v, want an error with %q", fd, err, want)
		}
	}
}

func TestProgramsText(t *testing.T) {
	for _, tc := range []struct {
		attached, skipped int
		want              string
	}{
		{0, 0, "0 programs attached"}, {1, 0, "1 program attached"}, {2, 1, "2 programs attached, 1 skipped"},
	} {
		if got := programsText(tc.attached, tc.skipped); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
