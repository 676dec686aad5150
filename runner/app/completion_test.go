package app

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
)

// TestBashCompletes compares with what a real bash offers.
func TestBashCompletes(t *testing.T) {
	var script bytes.Buffer
	if err := Run(context.Background(), []string{"completion", "bash"}, nil, &script, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"gadget-run im":                      "image",
		"gadget-run image pu":                "pull push",
		"gadget-run --state image image pu":  "pull push",
		"gadget-run image ls --no":           "--no-trunc",
		"gadget-run image export --fo":       "--format",
		"gadget-run image list -o ":          "columns json yaml",
		"gadget-run image list --output j":   "json",
		"gadget-run image list --output = y": "yaml",
		"gadget-run image list --output =":   "columns json yaml",
		"gadget-run completion ":             "bash zsh fish",
		"gadget-run image pull x --all":      "--all-platforms",
		"gadget-run image pull /dev/nul":     "/dev/null",
	} {
		t.Run(line, func(t *testing.T) {
			c := exec.Command("bash", "-c", script.String()+`
				read -ra COMP_WORDS <<<"$1"
				if [[ $1 == *" " ]]; then COMP_WORDS+=(""); fi
				COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
				_gadget_run
				echo "${COMPREPLY[*]}"`, "bash", line)
			c.Dir = t.TempDir()
			out, err := c.CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != want {
				t.Errorf("offered %q (%v), want %q", got, err, want)
			}
		})
	}
}
