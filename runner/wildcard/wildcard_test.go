package wildcard

import "testing"

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"vfs_open", "vfs_open", true},
		{"vfs_open", "vfs_opened", false},
		{"vfs_*", "vfs_open", true},
		{"vfs_*", "vf", false},
		{"*_open", "vfs_open", true},
		{"v*s_*n", "vfs_open", true},
		{"v*s_*n", "vfs_opens", false},
		{"vfs_???n", "vfs_open", true},
		{"vfs_???n", "vfs_opn", false},
		{"*", "", true},
		{"?", "", false},
		{"**a", "ba", true},
		{"a*b*c", "abbc", true},
		{"a*b*c", "ac", false},
	} {
		if got := Match(tc.pattern, tc.name); got != tc.want {
			t.Errorf("Match(%q, %q) = %t", tc.pattern, tc.name, got)
		}
	}
	if In("vfs_open") || !In("vfs_?pen") {
		t.Error("In does not distinguish patterns from names")
	}
}
