package main

import (
	"os"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
)

// find returns the file or directory of a path in the runfiles. A path of an
// existing file, which is not in the runfiles, is taken as it is.
func find(path string) (string, error) {
	file, err := tool.Runfile(os.Args[0], path, os.Getenv)
	if err == nil {
		return file, nil
	}
	if _, statErr := os.Stat(path); statErr == nil {
		return path, nil
	}
	return "", err
}
