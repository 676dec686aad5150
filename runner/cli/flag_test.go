package cli

import "testing"

func TestSplitFlag(t *testing.T) {
	for word, want := range map[string]struct {
		name, value string
		has         bool
	}{
		"":            {},
		"-":           {},
		"--":          {},
		"word":        {},
		"a=b":         {},
		"--name":      {"--name", "", false},
		"--name=":     {"--name", "", true},
		"--name=a=b":  {"--name", "a=b", true},
		"-n":          {"-n", "", false},
		"-nvalue":     {"-n", "value", true},
		"-n=v":        {"-n", "=v", true},
		"--fields=-a": {"--fields", "-a", true},
	} {
		if name, value, has := SplitFlag(word); name != want.name || value != want.value || has != want.has {
			t.Errorf("%q: got %q, %q, %t", word, name, value, has)
		}
	}
}

func TestFlagValue(t *testing.T) {
	words := []string{"--file=a", "-fb", "--other=c", "gadget", "--file"}
	if v, ok := FlagValue(words, "-f", "--file"); v != "b" || !ok {
		t.Errorf("got %q, %t", v, ok)
	}
	if v, ok := FlagValue(words, "--timeout"); ok {
		t.Errorf("got %q of a flag that is not there", v)
	}
}
