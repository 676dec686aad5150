package engine

import "testing"

func TestParseVerified(t *testing.T) {
	for _, c := range []struct {
		log   string
		want  Verified
		found bool
	}{
		{"", Verified{}, false},
		{
			"verification time 92 usec\nstack depth 104\nprocessed 33 insns (limit 1000000) max_states_per_insn 0\n",
			Verified{"", 33, 104},
			true,
		},
		{"stack depth 16+0+240\nprocessed 7 insns (limit 1000000)", Verified{"", 7, 256}, true},
		{"stack depth x+8\nprocessed few insns\n", Verified{Stack: 8}, false},
	} {
		if got, found := parseVerified(c.log); got != c.want || found != c.found {
			t.Errorf("parseVerified(%q) = %+v, %v", c.log, got, found)
		}
	}
}
