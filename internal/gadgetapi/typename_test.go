package gadgetapi

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestTypeNameRecursive(t *testing.T) {
	array := &btf.Array{Nelems: 2}
	array.Type = array
	loop := &btf.Volatile{}
	loop.Type = &btf.Const{Type: loop}
	for name, typ := range map[string]btf.Type{"array": array, "qualifiers": loop} {
		if got := cName(typ, 0); !strings.HasPrefix(got, "...") || len(got) > 100 {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := cName(&btf.Array{Nelems: 4, Type: &btf.Const{Type: &btf.Int{Name: "char"}}}, 0); got != "char[4]" {
		t.Errorf("got %q, want char[4]", got)
	}
}
