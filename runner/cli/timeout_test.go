package cli

import (
	"testing"
	"time"
)

func TestTimeout(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"5": 5 * time.Second, "5s": 5 * time.Second, "1m30s": 90 * time.Second,
		"0": 0,
	} {
		var got Timeout
		if err := got.UnmarshalText([]byte(in)); err != nil || time.Duration(got) != want {
			t.Errorf("%q: got %v (%v), want %v", in, time.Duration(got), err, want)
		}
	}
	for _, bad := range []string{"", "x", "-1s", "5 s", "99999999999"} {
		var got Timeout
		if err := got.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was accepted as %v", bad, time.Duration(got))
		}
	}
}
