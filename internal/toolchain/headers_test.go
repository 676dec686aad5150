package toolchain_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/gadgets/include"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/clangtest"
	"github.com/rules-gadget/rules_gadget/internal/toolchain"
)

// packaged returns the directory with a header of one of the packages that the
// toolchain is made of, or of the machine.
func packaged(t *testing.T, header string) string {
	t.Helper()
	for _, pattern := range []string{
		filepath.Join(os.Getenv("TEST_SRCDIR"), "*", "usr/include", header), filepath.Join(os.Getenv("TEST_SRCDIR"), "*",
			"usr/include/*-linux-gnu", header),
		filepath.Join("/usr/include", header), filepath.Join("/usr/include/"+arch.Arch(runtime.GOARCH).Uname()+"-linux-gnu",
			header),
	} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return filepath.Dir(found[0])
		}
	}
	t.Skipf("needs <%s> (the packages libbpf-dev and linux-libc-dev)", header)
	return ""
}

// localCompiler returns Local for a root directory that has the machine's headers
// in the places of a distribution. The packages are Debian's: of Fedora's
// (kernel-headers, libbpf-devel) and Alpine's (linux-headers, libbpf-dev) it is the
// layout.
func localCompiler(t *testing.T, asm string) toolchain.Local {
	t.Helper()
	tc := clangtest.Find(t).Standalone(t)
	root := t.TempDir()
	for to, from := range map[string]string{
		asm: packaged(t, "asm/types.h"), "/usr/include/linux": packaged(t, "linux/types.h"),
		"/usr/include/asm-generic": packaged(t, "asm-generic/types.h"), "/usr/include/bpf": packaged(t, "bpf/bpf_helpers.h"),
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, to)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(from, filepath.Join(root, to)); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"CLANG": tc.Clang, "LLVM_STRIP": tc.Strip}
	return toolchain.Local{Cache: t.TempDir(), Root: root, Getenv: func(k string) string { return env[k] }}
}

// compile compiles the text of a program for each of archs.
func compile(t *testing.T, l toolchain.Local, text string, archs ...arch.Arch) error {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "program.bpf.c"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	tools, err := l.Toolchains(archs)
	if err != nil {
		t.Fatal(err)
	}
	for a, tc := range tools {
		_, err := assemble.Compile(context.Background(), assemble.CompileRequest{
			Directory: assemble.Directory{Dir: dir}, Toolchain: tc, Arch: a,
		})
		if refused := (*assemble.CompileError)(nil); errors.As(err, &refused) {
			return fmt.Errorf("%w: %s", err, refused.Text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// including returns a program that includes headers of gadgets.
func including(headers ...string) string {
	text := "#include <vmlinux.h>\n"
	for _, header := range headers {
		text += "#include <" + header + ">\n"
	}
	return text + "__attribute__((section(\"socket\"), used)) int run(void *ctx) { return 0; }\n"
}

// gadgetHeaders returns the names of all headers of gadgets.
func gadgetHeaders(t *testing.T) []string {
	t.Helper()
	var headers []string
	err := fs.WalkDir(include.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ".h") {
			headers = append(headers, name)
		}
		return err
	})
	if err != nil || len(headers) < 20 {
		t.Fatalf("found the headers %q, %v", headers, err)
	}
	return headers
}

// All headers of gadgets compile with --local, wherever the distribution puts the
// kernel's headers.
func TestLocalCompilesEveryHeader(t *testing.T) {
	for name, asm := range map[string]string{
		"Debian": "/usr/include/" + arch.Arch(runtime.GOARCH).Uname() + "-linux-gnu/asm",
		"Fedora": "/usr/include/asm",
		"Alpine": "/usr/include/asm",
	} {
		t.Run(name, func(t *testing.T) {
			l := localCompiler(t, asm)
			if err := compile(t, l, including(gadgetHeaders(t)...), arch.Arch(runtime.GOARCH)); err != nil {
				t.Error(err)
			}
			if err := compile(t, l, including("asm/absent.h"), arch.AMD64); err == nil {
				t.Error("a header that is not there was found")
			}
		})
	}
}

// Every header of gadgets includes what it needs.
func TestEveryHeaderCompilesAlone(t *testing.T) {
	l := localCompiler(t, "/usr/include/asm")
	for _, header := range gadgetHeaders(t) {
		if err := compile(t, l, including(header), arch.Arch(runtime.GOARCH)); err != nil {
			t.Errorf("<%s>: %v", header, err)
		}
	}
}

// kernelProgram uses what vmlinux.h has beyond the types of one kernel.
const kernelProgram = `#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Names that modules have, too. */
enum program_state { CLOSE, OPEN, NONE, UNKNOWN, DOWN, UP };
struct stream { int id; };
struct connection { struct stream stream; };
struct timestamp { u64 seconds; };
typedef u64 uint64;

extern bool CONFIG_BPF __kconfig;
extern int LINUX_KERNEL_VERSION __kconfig;

int hid(struct hid_device *device) { return device->vendor + sizeof(struct hid_bpf_ctx); }
int newer_member(struct cfs_rq *queue) { return queue->nr_queued; }
int modules(struct xfs_inode *inode, struct nf_conn *connection) { return connection->mark + (inode->i_mount != 0); }
int single_word(struct vport___module *port) { return port->port_no; }
int older_kernel(struct trace_event_raw_tcp_event_sk_skb *event) { return event->sport; }
int nameless_member(struct sk_buff *packet) { return packet->ip_summed; }
int values(void) { return PGFAULT + TCP_CLOSE + BPF_NOEXIST + UNKNOWN; }

SEC("tp_btf/task_newtask") int BPF_PROG(newtask, struct task_struct *task, u64 flags)
{
	struct task_struct *taken = bpf_task_acquire(task);

	if (taken)
		bpf_task_release(taken);
	return CONFIG_BPF ? LINUX_KERNEL_VERSION : 0;
}

char _license[] SEC("license") = "GPL";
`

// The header of each architecture has the types of modules and of older kernels,
// and the prototypes of kfuncs.
func TestVmlinuxHeader(t *testing.T) {
	if err := compile(t, localCompiler(t, "/usr/include/asm"), kernelProgram, arch.All()...); err != nil {
		t.Error(err)
	}
}
