package gadget

import (
	"fmt"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestFieldsAreBounded: each struct contains the next one twice.
func TestFieldsAreBounded(t *testing.T) {
	st := &btf.Struct{Name: "s", Members: []btf.Member{{Name: "x", Type: &btf.Int{Name: "int", Size: 4}}}}
	for i := range 30 {
		st = &btf.Struct{Name: fmt.Sprintf("s%d", i), Members: []btf.Member{{Name: "a", Type: st}, {Type: st}}}
	}
	if got := len(fieldsOf(st)); got < maxFields || got > maxFields+maxFieldDepth {
		t.Errorf("%d fields, want about %d", got, maxFields)
	}
	self := &btf.Struct{Name: "self"}
	self.Members = []btf.Member{{Name: "a", Type: &btf.Const{Type: self}}, {Name: "b", Type: self}}
	if got := len(fieldsOf(self)); got > maxFields+maxFieldDepth {
		t.Errorf("a struct that contains itself has %d fields", got)
	}
}
