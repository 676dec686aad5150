package inspect

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestTypeNameOfATypeThatContainsItself(t *testing.T) {
	array := &btf.Array{Nelems: 2}
	array.Type = array
	loop := &btf.Volatile{}
	loop.Type = &btf.Const{Type: loop}
	for name, typ := range map[string]btf.Type{"array": array, "qualifiers": loop} {
		if got := typeName(typ); !strings.HasPrefix(got, "...") || len(got) > 100 {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := typeName(&btf.Array{Nelems: 4, Type: &btf.Const{Type: &btf.Int{Name: "char"}}}); got != "char[4]" {
		t.Errorf("got %q, want char[4]", got)
	}
}
