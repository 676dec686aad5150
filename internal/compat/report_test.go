package compat

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cilium/ebpf/asm"
)

func TestParseReport(t *testing.T) {
	const head = `{"schema":"rules_gadget.btfgen.report/v1","relocations":[{"id":0,"access":"a"},{"id":1}],"kernels":[`
	for _, tt := range []struct{ name, kernel, want string }{
		{"letters", `{"results":"rm"}`, "rm"},
		{"words", `{"results":["ambiguous","absent"]}`, "ma"},
		{"error", `{"error":"corrupt","results":""}`, ""},
	} {
		r, err := ParseReport([]byte(head + tt.kernel + "]}"))
		if err != nil || string(r.Kernels[0].Results) != tt.want {
			t.Errorf("%s: %v, %v", tt.name, r.Kernels, err)
		}
	}
	for _, bad := range []string{
		`{`, `{}`, `{"schema":"other/v1"}`, head + `{"results":"r"}]}`, head + `{"results":"rx"}]}`,
		head + `{"results":["resolved","perhaps"]}]}`, head + `{"results":7}]}`,
	} {
		if _, err := ParseReport([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

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

func TestTablesAreInOrder(t *testing.T) {
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
		asm.FnLoop: "bpf_loop 5.17", asm.FnUserRingbufDrain: "bpf_user_ringbuf_drain 6.1", asm.FnCgrpStorageDelete: "bpf_cgrp_storage_delete 6.2",
	} {
		since, ok := lookup(helperSince, int(f))
		if got := fmt.Sprintf("%s %s", helperName(f), since); !ok || got != want {
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

func TestCompare(t *testing.T) {
	ordered := []string{"", "4.9", "4.19.0-1", "4.19.0-2", "4.19.0-10", "5.10.0-9", "5.10.0-30-cloud", "6.1", "6.1.0", "6.12.9+deb12", "6.12.43+deb12", "bullseye", "buster"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := Compare(a, b), i-j; got*want < 0 || (got == 0) != (want == 0) {
				t.Errorf("Compare(%q, %q) = %d", a, b, got)
			}
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add(read(f, "demo.report.json"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if r, err := ParseReport(data); err == nil {
			Build(Input{Reports: []Report{r}})
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add("6.1.0-9", "6.1.0-10")
	f.Fuzz(func(t *testing.T, a, b string) {
		if Compare(a, b) != -Compare(b, a) {
			t.Errorf("Compare(%q, %q) is not symmetric", a, b)
		}
	})
}
