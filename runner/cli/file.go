package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// errEmptyFile is for a variable of a script that is not set: to take it for a
// flag that was not passed would choose another file.
var errEmptyFile = errors.New("the name of the file is empty, name one or leave the flag out")

// File is the value of a flag that names a file. It cannot be set to nothing.
type File string

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *File) UnmarshalText(text []byte) error {
	*f = File(text)
	if *f == "" {
		return errEmptyFile
	}
	return nil
}

// Files is the value of a flag that names files, comma-separated or one a flag.
type Files []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Files) UnmarshalText(text []byte) error {
	for name := range strings.SplitSeq(string(text), ",") {
		if name == "" {
			return errEmptyFile
		}
		*f = append(*f, name)
	}
	return nil
}

// CheckFile returns an error when the file that a flag names does not exist.
func CheckFile(flag, name string) error {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return Usage(fmt.Errorf("%s: file %q does not exist", flag, name))
	}
	return nil
}
