package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// mallocEvent is one event of data source malloc.
type mallocEvent struct {
	Proc live.Process `json:"proc"`
	Addr uint64       `json:"addr"`
	allocated
}

// allocated is what a test compares of each event.
type allocated struct {
	Op   string `json:"operation"`
	Size uint64 `json:"size"`
}

// useMemory is a program that allocates and frees memory in every way. Where it
// begins and ends it allocates sizes that nothing else allocates.
const useMemory = `
import ctypes
c = ctypes.CDLL(None)
def call(name, *numbers):
    f = getattr(c, name)
    f.restype = ctypes.c_void_p
    return f(*[None if n is None else ctypes.c_void_p(n) for n in numbers])
where = ctypes.c_void_p()
mark = call("malloc", 987651)
p = call("realloc", call("malloc", 12345), 23456)
call("free", p)
call("free", None)
call("free", call("calloc", 3, 7777))
call("free", call("memalign", 64, 45678))
call("free", call("valloc", 54321))
call("free", call("pvalloc", 65432))
call("posix_memalign", ctypes.addressof(where), 64, 76543)
call("free", where.value)
call("posix_memalign", ctypes.addressof(where), 3, 87654)
call("malloc", 1 << 63)
call("munmap", call("mmap", None, 98765, 3, 0x22, 0xffffffff, 0), 98765)
call("malloc", 987652)
`

// needsPython skips the test where the program above cannot run, and returns its
// interpreter.
func needsPython(t *testing.T) string {
	t.Helper()
	const script = "import ctypes, sys; ctypes.CDLL(None).malloc; print(sys.executable)"
	out, err := exec.Command("python3", "-c", script).Output() //nolint:noctx // short
	if err != nil {
		t.Skip("needs python3 with ctypes, which calls the C library")
	}
	return strings.TrimSpace(string(out))
}

// between returns the events of a process between the two marks, without the small
// pieces that the interpreter uses meanwhile.
func between(t *testing.T, events []mallocEvent, pid int) []allocated {
	t.Helper()
	var out []allocated
	live := map[uint64]bool{} // the pieces that the program has
	inside := false
	for _, e := range events {
		switch {
		case e.Proc.PID != pid:
		case e.Size == 987651:
			inside = true
		case e.Size == 987652:
			inside = false
		case !inside:
		case e.Size > 10000:
			out = append(out, e.allocated)
			live[e.Addr] = true
		case live[e.Addr]:
			out = append(out, e.allocated)
			delete(live, e.Addr)
		}
	}
	return out
}

func TestTraceMalloc(t *testing.T) {
	python := needsPython(t)
	name := filepath.Base(python)
	free := allocated{"free", 0}
	all := []allocated{
		{"malloc", 12345},
		{"realloc_free", 0},
		{"realloc", 23456},
		free,
		{"calloc", 23331},
		free,
		{"memalign", 45678},
		free,
		{"valloc", 54321},
		free,
		{"pvalloc", 65432},
		free,
		{"posix_memalign", 76543},
		free,
		{"posix_memalign", 87654},
		{"malloc", 1 << 63},
		{"mmap", 98765},
		{"munmap", 0},
	}
	cases := []struct {
		name string
		args []string
		want []allocated
	}{
		{"uid", []string{"--uid", strconv.Itoa(os.Getuid()), "--comm", name}, all},
		{"with stacks", []string{"--collect-ustack", "--comm", name}, all},
		{"another process", []string{"--pid", "1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var pid int
			events := live.Observe[mallocEvent](t, "trace_malloc", c.args, func() {
				cmd := exec.Command(python, "-S", "-c", useMemory) //nolint:noctx // short
				cmd.Env = append(os.Environ(), "MALLOC_MMAP_THRESHOLD_=1073741824")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("the program: %v: %s", err, out)
				}
				pid = cmd.Process.Pid
			})
			got := between(t, events, pid)
			// On some versions of the C library the two are one function.
			for i := range got {
				got[i].Op = strings.ReplaceAll(got[i].Op, "aligned_alloc", "memalign")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("memory (-want +got):\n%s", diff)
			}
		})
	}
}
