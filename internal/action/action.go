// Package action is what every build action tool shares: the params file on
// the command line, and output that is the same bytes for the same input
// (tar, gzip, JSON), written whole or not at all.
package action

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// MaxParamsFile is the largest params file that Args reads, in bytes.
const MaxParamsFile = 64 << 20

// Args returns args with a single "@file" argument replaced by the lines of
// that file, one argument a line (Bazel's "multiline" params format). Other
// command lines come back unchanged. Lines of the file are not expanded again.
func Args(args []string) ([]string, error) {
	if len(args) != 1 || !strings.HasPrefix(args[0], "@") {
		return args, nil
	}
	name := strings.TrimPrefix(args[0], "@")
	data, err := ReadFile(name, MaxParamsFile)
	if err != nil {
		return nil, fmt.Errorf("reading params file: %w", err)
	}
	text := strings.TrimSuffix(string(data), "\n")
	if text == "" {
		return nil, nil
	}
	return strings.Split(text, "\n"), nil
}

// JSON returns v as compact JSON with map keys sorted, without HTML escaping,
// ending in a newline.
func JSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding JSON: %w", err)
	}
	return buf.Bytes(), nil
}
