// Package tests runs functions of the gadget headers in the kernel.
package tests

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
	"github.com/google/go-cmp/cmp"
)

// The kernel runs a program on at least so much of a packet.
const minPacket = 14

// object returns the object for this machine that an environment variable names.
func object(t *testing.T, variable string) *ebpf.CollectionSpec {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load programs")
	}
	for _, name := range strings.Fields(os.Getenv(variable)) {
		if !strings.Contains(filepath.Base(name), "."+runtime.GOARCH+".") {
			continue
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(os.Getenv("TEST_SRCDIR"), name)
		}
		spec, err := ebpf.LoadCollectionSpec(name)
		if err != nil {
			t.Fatal(err)
		}
		return spec
	}
	t.Skipf("needs %s, run ./bazelw test //gadgets/include/...", variable)
	return nil
}

// load loads only the named programs, and the maps of the object.
func load(t *testing.T, spec *ebpf.CollectionSpec, programs ...string) *ebpf.Collection {
	t.Helper()
	return loadFor(t, nil, spec, programs...)
}

// loadFor is load with another BTF than the kernel's own.
func loadFor(t *testing.T, kernel *btf.Spec, spec *ebpf.CollectionSpec, programs ...string) *ebpf.Collection {
	t.Helper()
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]*ebpf.ProgramSpec{}
	for _, name := range programs {
		wanted[name] = spec.Programs[name]
	}
	spec.Programs = wanted
	for _, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
	}
	options := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{
		KernelTypes: kernel, ExtraRelocationTargets: enricher(t, spec),
	}}
	coll, err := ebpf.NewCollectionWithOptions(spec, options)
	var rejected *ebpf.VerifierError
	if errors.As(err, &rejected) {
		t.Fatalf("%+v", rejected)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(coll.Close)
	return coll
}

// enricher returns the type of the values of gadget_sockets as the BTF of the
// one who fills the map, which programs are relocated against.
func enricher(t *testing.T, spec *ebpf.CollectionSpec) []*btf.Spec {
	t.Helper()
	var value *btf.Struct
	if err := spec.Types.TypeByName("gadget_socket_value", &value); err != nil {
		t.Fatal(err)
	}
	builder, err := btf.NewBuilder([]btf.Type{value}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := builder.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	types, err := btf.LoadSpecFromReader(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return []*btf.Spec{types}
}

// run runs a program on a packet and returns what it returns.
func run(t *testing.T, coll *ebpf.Collection, program string, packet []byte) uint32 {
	t.Helper()
	ret, _, err := coll.Programs[program].Test(packet)
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	return ret
}

func get[T any](t *testing.T, coll *ebpf.Collection, variable string) T {
	t.Helper()
	var v T
	if err := coll.Variables[variable].Get(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func set(t *testing.T, coll *ebpf.Collection, variable string, value any) {
	t.Helper()
	if err := coll.Variables[variable].Set(value); err != nil {
		t.Fatal(err)
	}
}

func TestNumbers(t *testing.T) {
	coll := load(t, object(t, "FUNCTIONS"), "numbers")
	inputs := []uint64{
		0, 1, 2, 3, 4, 255, 256, 1<<16 - 1, 1 << 16, 1<<31 + 5, 1<<32 - 1, 1 << 32, 1<<33 + 1, 0x0123456789abcdef, 1<<64 - 1,
	}
	for _, in := range inputs {
		set(t, coll, "input", in)
		run(t, coll, "numbers", make([]byte, minPacket))
		if got := get[uint64](t, coll, "slot"); got != uint64(bits.Len64(in)) {
			t.Errorf("slot of %#x is %d, want %d", in, got, bits.Len64(in))
		}
		text := binary.LittleEndian.AppendUint64(nil, in)
		for _, size := range []int{1, 2, 4, 8} {
			h32, h64 := fnv.New32a(), fnv.New64a()
			h32.Write(text[:size])
			h64.Write(text[:size])
			if got := get[uint32](t, coll, fmt.Sprint("hash32_u", 8*size)); got != h32.Sum32() {
				t.Errorf("32-bit FNV-1a of %d bytes of %#x is %#x, want %#x", size, in, got, h32.Sum32())
			}
			if got := get[uint64](t, coll, fmt.Sprint("hash64_u", 8*size)); got != h64.Sum64() {
				t.Errorf("64-bit FNV-1a of %d bytes of %#x is %#x, want %#x", size, in, got, h64.Sum64())
			}
		}
	}
}

func TestLookupOrInit(t *testing.T) {
	coll := load(t, object(t, "FUNCTIONS"), "counted")
	for i, c := range []struct {
		input uint64
		want  uint32
	}{{7, 1}, {7, 2}, {8, 0}, {7, 3}} { // the map has room for one key
		set(t, coll, "input", c.input)
		if got := run(t, coll, "counted", make([]byte, minPacket)); got != c.want {
			t.Errorf("call %d, with %d, gives %d, want %d", i, c.input, got, c.want)
		}
	}
}

// process is struct gadget_process.
type process struct {
	Comm     [16]byte
	PID, TID uint32
	MntNS    uint64
	UID, GID uint32
	Parent   struct {
		Comm     [16]byte
		PID, TID uint32
	}
}

func comm(text string) (c [16]byte) {
	copy(c[:], text)
	return c
}

func TestFilters(t *testing.T) {
	asked := process{Comm: comm("name"), PID: 10, TID: 11, MntNS: 12, UID: 0, GID: 14}
	cases := []struct {
		variable string
		value    any
		discard  bool
	}{
		{"targ_pid", uint32(0), false},
		{"targ_pid", uint32(10), false},
		{"targ_pid", uint32(11), true},
		{"targ_tid", uint32(11), false},
		{"targ_tid", uint32(10), true},
		{"targ_uid", uint32(0), false},
		{"targ_uid", uint32(1), true},
		{"targ_uid", ^uint32(0), false},
		{"targ_gid", uint32(14), false},
		{"targ_gid", uint32(0), true},
		{"targ_comm", comm("name"), false},
		{"targ_comm", comm("nam"), true},
		{"targ_comm", comm("names"), true},
		{"targ_comm", comm("exactly15bytes."), true},
		{"gadget_filter_by_mntns", true, true},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.variable, "=", c.value), func(t *testing.T) {
			spec := object(t, "FUNCTIONS")
			if err := spec.Variables[c.variable].Set(c.value); err != nil {
				t.Fatal(err)
			}
			coll := load(t, spec, "filtered")
			set(t, coll, "asked", asked)
			if got := run(t, coll, "filtered", make([]byte, minPacket)) == 1; got != c.discard {
				t.Errorf("discarded: %v, want %v", got, c.discard)
			}
		})
	}

	t.Run("mount namespace that is in the map", func(t *testing.T) {
		spec := object(t, "FUNCTIONS")
		if err := spec.Variables["gadget_filter_by_mntns"].Set(true); err != nil {
			t.Fatal(err)
		}
		coll := load(t, spec, "filtered")
		set(t, coll, "asked", asked)
		if err := coll.Maps["gadget_mntns_filter_map"].Put(asked.MntNS, uint32(0)); err != nil {
			t.Fatal(err)
		}
		if run(t, coll, "filtered", make([]byte, minPacket)) != 0 {
			t.Error("it is discarded")
		}
	})
}

// event is struct event of functions/program.bpf.c.
type event struct {
	Timestamp uint64
	Proc      process
	Kstack    uint32
	Unused    uint32
	Ustack    [72]byte
}

func TestBuffer(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, program := range []string{"reserve", "output"} {
		t.Run(program, func(t *testing.T) {
			coll := load(t, object(t, "FUNCTIONS"), program, "discard")
			reader, err := ringbuf.NewReader(coll.Maps["events"])
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			const sent = 100 // more than there is room for
			for range sent {
				if _, err := coll.Programs[program].Run(&ebpf.RunOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			var lost []uint64
			if err := coll.Maps["events_lost_samples"].Lookup(uint32(0), &lost); err != nil {
				t.Fatal(err)
			}
			missing := uint64(0)
			for _, n := range lost {
				missing += n
			}
			if missing == 0 || missing >= sent {
				t.Fatalf("%d of %d events are counted as lost", missing, sent)
			}
			for range sent - missing {
				record, err := reader.Read()
				if err != nil {
					t.Fatal(err)
				}
				checkEvent(t, record.RawSample)
			}
			if ret, err := coll.Programs["discard"].Run(&ebpf.RunOptions{}); err != nil || ret != 1 {
				t.Errorf("after reading the buffer is full: %d, %v", ret, err)
			}
			if n := reader.AvailableBytes(); n > 256 {
				t.Errorf("%d bytes are left, want at most what was discarded", n)
			}
		})
	}
}

func checkEvent(t *testing.T, sample []byte) {
	t.Helper()
	var e event
	if n, err := binary.Decode(sample, binary.NativeEndian, &e); err != nil || n != len(sample) {
		t.Fatalf("decoding %d bytes: %d, %v", len(sample), n, err)
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/comm", e.Proc.TID))
	if err != nil {
		t.Fatal(err)
	}
	want := process{
		Comm: comm(strings.TrimSpace(string(name))), PID: uint32(os.Getpid()), TID: e.Proc.TID, MntNS: e.Proc.MntNS,
		UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
	}
	want.Parent = e.Proc.Parent
	if diff := cmp.Diff(want, e.Proc); diff != "" {
		t.Errorf("process (-want +got):\n%s", diff)
	}
	link, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("mnt:[%d]", e.Proc.MntNS); got != link {
		t.Errorf("mount namespace is %s, want %s", got, link)
	}
	if e.Proc.Parent.PID != uint32(os.Getppid()) || e.Timestamp == 0 || e.Ustack != [72]byte{} {
		t.Errorf("event is %+v", e)
	}
}
