package vm

import (
	"fmt"
	"os/exec"
	"runtime"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// platform is what differs between architectures: the machine that QEMU makes,
// and what the serial ports are called in it.
type platform struct {
	qemu, pkg  string   // program, and the Debian package that has it
	host       bool     // the host has the same architecture
	machine    string   // for -machine
	cpu        string   // for -cpu, where it is emulated
	args       []string // attach the character device "results"
	console    string   // the kernel's console
	resultPort string   // where the guest writes results
}

// platforms are the architectures that can be booted. The CPUs leave out what
// emulation does wrong or slowly: QEMU 7.2's cmpxchg16b corrupts the flags
// register, on which 6.12's allocator dies; five-level page tables and a strong
// hash for pointer authentication only cost time. The machine of arm64 has a
// single serial port of its own, so that the results take one on PCI.
var platforms = map[arch.Arch]platform{
	arch.AMD64: {
		qemu: "qemu-system-x86_64", pkg: "qemu-system-x86", machine: "pc", cpu: "max,-cx16,-la57",
		args: []string{"-device", "isa-serial,chardev=results,index=1"}, console: "ttyS0", resultPort: "/dev/ttyS1",
	},
	arch.ARM64: {
		qemu: "qemu-system-aarch64", pkg: "qemu-system-arm", machine: "virt", cpu: "max,pauth-impdef=on",
		args: []string{"-device", "pci-serial,chardev=results"}, console: "ttyAMA0", resultPort: "/dev/ttyS0",
	},
}

// platformOf returns the platform of an architecture, amd64 where a is empty.
func platformOf(a arch.Arch) (platform, error) {
	if a == "" {
		a = arch.AMD64
	}
	p, ok := platforms[a]
	if !ok {
		return p, fmt.Errorf("arch %q cannot be booted, it must be amd64 or arm64", a)
	}
	p.host = string(a) == runtime.GOARCH
	return p, nil
}

// find returns the path of QEMU.
func (p platform) find(name string) (string, error) {
	if name == "" {
		name = p.qemu
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w: %s (Debian package %s): %w", ErrNoQEMU, p.qemu, p.pkg, err)
	}
	return found, nil
}

// boots is how often a machine is started that dies while booting.
const boots = 2

// cpuArgs are the arguments that say how instructions are run. KVM is used
// for, not looked for: in a virtual machine its device may be there and no
// kernel ever come up with it.
func (p platform) cpuArgs(kvm bool) []string {
	if kvm && p.host {
		return []string{"-machine", p.machine, "-accel", "kvm", "-cpu", "host"}
	}
	return []string{"-machine", p.machine, "-accel", "tcg", "-cpu", p.cpu}
}
