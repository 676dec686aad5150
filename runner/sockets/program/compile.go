//go:build ignore

// Command compile makes sockets.bpf.o with the clang and llvm-strip that CLANG and
// LLVM_STRIP name, in its directory. LIBBPF names the directory of libbpf's headers where the system
// has none.
package main

import (
	"log"
	"os"
	"os/exec"
	"strings"
)

func main() {
	wd, err := os.Getwd()
	if err != nil {
		log.Fatal(err)
	}
	run(env("CLANG", "clang-19"), "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3", "-fno-ident",
		"-I"+env("LIBBPF", "/usr/include"), "-I/usr/include/x86_64-linux-gnu", "-ffile-prefix-map="+wd+"=.",
		"-c", "sockets.bpf.c", "-o", "sockets.bpf.o")
	run(env("LLVM_STRIP", "llvm-strip-19"), "-g", "sockets.bpf.o")
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
