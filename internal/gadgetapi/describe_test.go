package gadgetapi

import (
	"maps"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestUnshownIsExpected: the number in the union of an address is no loss, since the
// address has its own text; one elsewhere is.
func TestUnshownIsExpected(t *testing.T) {
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
