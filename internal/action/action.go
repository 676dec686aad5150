// Package action is what every build action tool shares: the params file on
// the command line, and output that is the same bytes for the same input
// (tar, gzip, JSON), written whole or not at all.
package action

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

// ReadFile returns the content of the file at path, which may have at most
// limit bytes.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("reading %q: more than %d bytes", path, limit)
	}
	return data, nil
}

// WriteFile writes data to path with mode 0644: into a temporary file of the
// same directory first, then renamed, so that nobody sees half of it.
func WriteFile(path string, data []byte) error {
	return WriteStream(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteStream is WriteFile for content that write produces piece by piece.
// When write fails, path is left as it was.
func WriteStream(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return fmt.Errorf("writing %q: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	err = errors.Join(write(f), f.Chmod(0o644), f.Close())
	if err != nil {
		return fmt.Errorf("writing %q: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("writing %q: %w", path, err)
	}
	return nil
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
