package gadgetapi

import (
	"maps"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestUnshownExpected: the number in the union of an address is not a loss, since the
// address has its own text; one elsewhere is.
func TestUnshownExpected(t *testing.T) {
	wide := &btf.Int{Name: "unsigned __int128", Size: 16}
	address := &btf.Union{Name: TypeIPAddr, Size: 16, Members: []btf.Member{{Name: "v6_raw", Type: wide}}}
	src, err := Describe(&btf.Struct{Name: "event", Size: 32, Members: []btf.Member{
		{Name: "addr_raw", Type: address}, {Name: "other", Type: wide, Offset: 128},
	}}, DescribeOptions{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, u := range src.Unshown {
		got[u.FullName] = u.Expected
	}
	if want := map[string]bool{"addr_raw.v6_raw": true, "other": false}; !maps.Equal(got, want) {
		t.Errorf("members that are not shown, and whether that is expected: %v, want %v", got, want)
	}
}

// TestUserStackStandIn: what gadget.yaml specifies for "stack" counts for the text of
// user stack "stack_raw", unless it says something about that as well.
func TestUserStackStandIn(t *testing.T) {
	number := &btf.Int{Name: "unsigned int", Size: 4}
	stack := &btf.Struct{Name: TypeUserStack, Size: 4, Members: []btf.Member{{Name: "stack_id", Type: number}}}
	event := &btf.Struct{Name: "event", Size: 8, Members: []btf.Member{
		{Name: "stack_raw", Type: stack}, {Name: "other", Type: stack, Offset: 32},
	}}
	for name, fields := range map[string]map[string]map[string]string{
		"1": {"stack": {"flamegraph.level": "1"}},
		"2": {"stack": {"flamegraph.level": "1"}, "stack_raw.symbols": {"flamegraph.level": "2"}},
		"":  {"stacks": {"flamegraph.level": "1"}},
	} {
		src, err := Describe(event, DescribeOptions{Name: "test", DataSource: DataSource{Fields: fields}})
		if err != nil {
			t.Fatal(err)
		}
		if got := src.Lookup("stack_raw.symbols").Annotations["flamegraph.level"]; got != name {
			t.Errorf("%v: the text has the level %q, want %q", fields, got, name)
		}
		for field, want := range map[string]bool{"stack": true, "stacks": false, "other": false} {
			if src.IsForeign(field) != want {
				t.Errorf("field %q may be described: %v", field, !want)
			}
		}
		if src.Lookup("stack") != nil {
			t.Error("there is a field in addition to the user stack")
		}
	}
}
