package userprobe

import (
	"os"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// TestProgramOfLibbpf loads a program that reads arguments as libbpf's header
// does, attaches it and finds the argument in its events.
func TestProgramOfLibbpf(t *testing.T) {
	if os.Geteuid() != 0 || arch.Host() != arch.AMD64 {
		t.Skip("needs root on amd64")
	}
	spec, err := ebpf.LoadCollectionSpec("testdata/usdt.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	spec = spec.Copy()
	if _, wants := cookieOffset(spec.Types); !wants {
		t.Fatal("the object does not request cookies")
	}
	if err := PrepareCookies(spec); err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	prog := compile(t)
	s := newSet(t, coll.Maps)
	if err := s.Add(Probe{Program: coll.Programs["on_probe"], Target: target(t, "usdt", prog+":prov:name")},
		Host); err != nil {
		t.Fatal(err)
	}
	calls(t, prog, "", "3")
	values := readInts(t, coll.Maps["events"], 3)
	for i, v := range values {
		if v != int32(i) {
			t.Errorf("the arguments are %v, want 0, 1, 2", values)
			break
		}
	}
}
