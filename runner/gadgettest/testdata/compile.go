//go:build ignore

// Command compile makes the objects of the fixtures in testdata, with the clang
// and llvm-strip that CLANG and LLVM_STRIP name.
package main

import (
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	sources, err := filepath.Glob("testdata/*.bpf.c")
	if err != nil {
		log.Fatal(err)
	}
	wd, err := os.Getwd()
	if err != nil {
		log.Fatal(err)
	}
	for _, src := range sources {
		out := strings.TrimSuffix(src, ".c") + ".o"
		run(env("CLANG", "clang-19"), "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3", "-fno-ident",
			"-I/usr/include/x86_64-linux-gnu", "-ffile-prefix-map="+wd+"=.", "-c", src, "-o", out)
		run(env("LLVM_STRIP", "llvm-strip-19"), "-g", out)
	}
}

func env(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

func run(name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		log.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
}
