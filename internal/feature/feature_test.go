package feature

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cilium/ebpf/asm"
)

func TestParseRelease(t *testing.T) {
	for in, want := range map[string]Release{
		"6.1.0-9-amd64": {6, 1}, "4.18": {4, 18}, "5.10-rc1": {5, 10}, "7.3+deb13": {7, 3},
	} {
		if got, ok := ParseRelease(in); !ok || got != want {
			t.Errorf("ParseRelease(%q) = %v, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "6", "a.b", "6.", ".1", "-1.2"} {
		if got, ok := ParseRelease(in); ok {
			t.Errorf("ParseRelease(%q) = %v", in, got)
		}
	}
}

func TestTablesInOrder(t *testing.T) {
	for name, table := range map[string][]sinceID{"helpers": helperSince, "maps": mapSince, "programs": programSince} {
		if !slices.IsSortedFunc(table, func(a, b sinceID) int { return a.last - b.last }) {
			t.Errorf("%s are not sorted by id", name)
		}
		for i := 1; i < len(table); i++ {
			if table[i].since.Before(table[i-1].since) {
				t.Errorf("%s: id %d is older than the ids before it", name, table[i].last)
			}
		}
	}
}

// Well-known facts, one at each end of a line of the table.
func TestHelperSince(t *testing.T) {
	for f, want := range map[asm.BuiltinFunc]string{
		asm.FnMapLookupElem: "bpf_map_lookup_elem 3.19", asm.FnProbeReadUser: "bpf_probe_read_user 5.5",
		asm.FnRingbufOutput: "bpf_ringbuf_output 5.8", asm.FnKtimeGetBootNs: "bpf_ktime_get_boot_ns 5.8",
		asm.FnRedirectPeer: "bpf_redirect_peer 5.10", asm.FnTaskStorageGet: "bpf_task_storage_get 5.11",
		asm.FnLoop: "bpf_loop 5.17", asm.FnUserRingbufDrain: "bpf_user_ringbuf_drain 6.1",
		asm.FnCgrpStorageDelete: "bpf_cgrp_storage_delete 6.2",
	} {
		since, ok := Helper(f)
		if got := fmt.Sprintf("%s %s", HelperName(f), since); !ok || got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if _, ok := lookup(helperSince, 9999); ok {
		t.Error("an unknown helper has a release")
	}
	if _, ok := lookup(helperSince, 0); ok {
		t.Error("helper 0 has a release")
	}
}
