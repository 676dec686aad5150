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
	files      int  // small files in the context
	program    bool // a Go program and the toolchain for it are in the context
}

// goProgram builds a program in one stage and keeps it alone in the next.
const goProgram = `FROM scratch AS build
COPY go /go
WORKDIR /src
ENV HOME=/go TMPDIR=/go GOCACHE=/cache GOROOT=/go CGO_ENABLED=0 GOTOOLCHAIN=local
COPY go.mod main.go ./
COPY last ./
RUN ["/go/bin/go", "build", "-o", "/program", "."]
FROM scratch
COPY --from=build /program /
`

// mainGo is the program; what changes is a part of it.
const mainGo = `package main

import (
	_ "embed"
	"net/http"
)

//go:embed last
var last string

func main() {
	_ = http.ListenAndServe("localhost:0", http.NotFoundHandler())
	println(last)
}
`

func cases() []testCase {
	const base = "FROM scratch AS base\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"ln\", \"-s\", \"busybox\", " +
		"\"/bin/sh\"]\n"
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
		{name: "a Go program", dockerfile: goProgram, program: true},
		{name: "5000 small files", dockerfile: base + "COPY files /files\nCOPY last /\n", files: 5000},
		{name: "ten stages", dockerfile: stages + "COPY last /\n"},
		{name: "ten steps", dockerfile: steps + "COPY last /\n"},
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
	if c.program {
		errs = append(errs, writeProgram(dir))
	}
	for i := range c.files {
		sub := filepath.Join(dir, "files", fmt.Sprint(i%50))
		errs = append(errs, os.MkdirAll(sub, 0o755), os.WriteFile(filepath.Join(sub, fmt.Sprint(i)),
			[]byte(strings.Repeat("x", i%2048)), 0o644))
	}
	return errors.Join(errs...)
}

// writeProgram writes the Go program, and the part of the Go toolchain that
// builds it.
func writeProgram(dir string) error {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("looking for the Go toolchain: %w", err)
	}
	to := filepath.Join(dir, "go")
	errs := []error{
		os.WriteFile(filepath.Join(dir, "main.go"), []byte(mainGo), 0o644),
		os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/program\n\ngo 1.24\n"), 0o644),
		os.MkdirAll(to, 0o755),
	}
	for _, part := range []string{"bin", "pkg", "src", "go.env", "VERSION"} {
		errs = append(errs, exec.Command("cp", "-rL", filepath.Join(strings.TrimSpace(string(root)), part), to).Run())
	}
	return errors.Join(errs...)
}
