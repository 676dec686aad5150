package runcmd

import "testing"

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"1": 1, "500K": 500 << 10, "100M": 100 << 20, "2G": 2 << 30} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "K", "1T", "1.5M", "9999999999999G"} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

func TestOutputFileFlags(t *testing.T) {
	for _, tt := range []struct {
		flags OutputFileFlags
		mode  string
		ok    bool
	}{
		{OutputFileFlags{}, "", true},
		{OutputFileFlags{OutputFile: "x"}, "columns", true},
		{OutputFileFlags{OutputFile: "x", OutputMaxSize: 1, OutputKeep: 5}, "json", true},
		{OutputFileFlags{OutputFile: "x", OutputMaxSize: 1}, "jsonpretty", false},
		{OutputFileFlags{OutputMaxSize: 1}, "json", false},
		{OutputFileFlags{OutputKeep: -1}, "", false},
	} {
		if err := tt.flags.check(tt.mode); (err == nil) != tt.ok {
			t.Errorf("%+v with -o %s: %v", tt.flags, tt.mode, err)
		}
	}
}
