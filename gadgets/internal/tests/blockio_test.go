package tests

import (
	"os"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// ioUse is one entry of data source blockio of top_blockio.
type ioUse struct {
	Proc  live.Process `json:"proc"`
	Major uint32       `json:"major"`
	Minor uint32       `json:"minor"`
	RW    string       `json:"rw"`
	Bytes uint64       `json:"bytes"`
	Micro uint64       `json:"us"`
	IO    uint64       `json:"io"`
}

// deviceSize is that of the block device of a test.
const deviceSize = 4 << 20

// blockDevice returns a loop device in memory, opened so that each read and write
// is a request.
func blockDevice(t *testing.T) *os.File {
	t.Helper()
	control, err := os.Open("/dev/loop-control")
	if err != nil {
		t.Skip("needs a block device for the test (CONFIG_BLK_DEV_LOOP)")
	}
	defer control.Close()
	number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		t.Fatal(err)
	}
	memory, err := unix.MemfdCreate("device", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(memory)
	if err := unix.Ftruncate(memory, deviceSize); err != nil {
		t.Fatal(err)
	}
	dev, err := os.OpenFile("/dev/loop"+strconv.Itoa(number), os.O_RDWR|unix.O_DIRECT, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	if err := unix.IoctlSetInt(int(dev.Fd()), unix.LOOP_SET_FD, memory); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.IoctlSetInt(int(dev.Fd()), unix.LOOP_CLR_FD, 0) })
	return dev
}

// aligned returns memory that can be read and written without the page cache.
func aligned(size int) []byte {
	const page = 4096
	b := make([]byte, size+page)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (page - 1)
	return b[skip : skip+size]
}

// transferBlocks makes five requests that write and three that read, each at a
// place of its own.
func transferBlocks(t *testing.T, dev *os.File) {
	t.Helper()
	for i := range 5 {
		if _, err := dev.WriteAt(aligned(4096), int64(i)*65536); err != nil {
			t.Error(err)
		}
	}
	for i := range 3 {
		if _, err := dev.ReadAt(aligned(8192), int64(i)*65536); err != nil {
			t.Error(err)
		}
	}
}

func TestTopBlockIO(t *testing.T) {
	dev := blockDevice(t)
	var stat unix.Stat_t
	if err := unix.Fstat(int(dev.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	type total struct{ Bytes, IO uint64 }
	both := func() map[string]total { return map[string]total{"write": {5 * 4096, 5}, "read": {3 * 8192, 3}} }
	for _, c := range []struct {
		name string
		args []string
		want map[string]total
	}{
		{"all", nil, both()},
		{"pid", []string{"--pid", strconv.Itoa(os.Getpid())}, both()},
		{"another process", []string{"--pid", "1"}, map[string]total{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			entries := live.Observe[ioUse](t, "top_blockio", c.args, func() { transferBlocks(t, dev) })
			got := map[string]total{}
			for _, e := range entries {
				if e.Major != unix.Major(stat.Rdev) || e.Minor != unix.Minor(stat.Rdev) {
					continue
				}
				if !e.Proc.Own() && !live.Before(6, 5) {
					t.Errorf("a request of another process: %+v", e)
				}
				if e.Micro > e.IO*uint64(time.Since(start).Microseconds()) {
					t.Errorf("took longer than the test: %+v", e)
				}
				got[e.RW] = total{got[e.RW].Bytes + e.Bytes, got[e.RW].IO + e.IO}
			}
			for rw, want := range c.want {
				// Kernels before 6.5 have a thread of their own issue some requests, so that a filter leaves them out.
				if n := got[rw].IO; c.args != nil && live.Before(6, 5) && n < want.IO {
					want.Bytes, want.IO = want.Bytes/want.IO*n, n
					c.want[rw] = want
				}
				if c.want[rw].IO == 0 {
					delete(c.want, rw)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProfileBlockIO(t *testing.T) {
	dev := blockDevice(t)
	var requests uint64
	hists := live.Observe[struct {
		Latency []uint64 `json:"latency"`
	}](t, "profile_blockio", nil, func() { transferBlocks(t, dev) })
	if len(hists) != 1 {
		t.Fatalf("%d histograms, want 1", len(hists))
	}
	for _, n := range hists[0].Latency {
		requests += n
	}
	// Of the whole machine: others may use their disks meanwhile.
	if len(hists[0].Latency) != 27 || requests < 8 {
		t.Errorf("%d requests in %d slots, want at least 8 in 27", requests, len(hists[0].Latency))
	}
	if slow := hists[0].Latency[26]; slow != 0 {
		t.Errorf("%d requests took more than a minute", slow)
	}
}

// TestTopBlockIOAttaches and TestProfileBlockIOAttaches are for machines without a
// device to test with, whose kernels have to take the programs all the same.
func TestTopBlockIOAttaches(t *testing.T) {
	if got := live.Observe[ioUse](t, "top_blockio", []string{"--pid", strconv.Itoa(noProcess)}, func() {}); len(got) > 0 {
		t.Errorf("requests of a process that does not exist: %+v", got)
	}
}

func TestProfileBlockIOAttaches(t *testing.T) {
	live.Observe[ioUse](t, "profile_blockio", nil, func() {})
}
