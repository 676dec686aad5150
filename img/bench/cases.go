package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// testCase is a Dockerfile with its context.
type testCase struct {
	name       string
	dockerfile string
	files      int // small files in the context
}

func cases() []testCase {
	const base = "FROM scratch AS base\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"ln\", \"-s\", \"busybox\", \"/bin/sh\"]\n"
	steps := base
	for i := range 10 {
		steps += fmt.Sprintf("RUN /bin/busybox dd if=/dev/zero of=/f%d bs=1024 count=512 2>/dev/null\n", i)
	}
	stages := base
	for i := range 9 {
		stages += fmt.Sprintf("FROM base AS s%d\nRUN echo %d >/r%d && /bin/busybox sleep 0.2\n", i, i, i)
	}
	stages += "FROM base\n"
	for i := range 9 {
		stages += fmt.Sprintf("COPY --from=s%d /r%d /\n", i, i)
	}
	return []testCase{
		{"ten steps", steps + "COPY last /\n", 0},
		{"5000 small files", base + "COPY files /files\nCOPY last /\n", 5000},
		{"ten stages", stages + "COPY last /\n", 0},
	}
}

func (c testCase) write(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o755); err != nil {
		return err
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return fmt.Errorf("looking for busybox of Debian's package busybox-static: %w", err)
	}
	data, err := os.ReadFile(busybox)
	if err != nil {
		return err
	}
	errs := []error{
		os.WriteFile(filepath.Join(dir, "busybox"), data, 0o755),
		os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(c.dockerfile), 0o644),
		os.WriteFile(filepath.Join(dir, "last"), nil, 0o644),
	}
	for i := range c.files {
		sub := filepath.Join(dir, "files", fmt.Sprint(i%50))
		errs = append(errs, os.MkdirAll(sub, 0o755), os.WriteFile(filepath.Join(sub, fmt.Sprint(i)), []byte(strings.Repeat("x", i%2048)), 0o644))
	}
	return errors.Join(errs...)
}
