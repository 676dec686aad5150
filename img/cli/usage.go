package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// usageHint says an error of the command line in the words of users, and where
// the help is.
func usageHint(err error) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) || strings.Contains(err.Error(), ", did you mean ") {
		return err
	}
	program, text := "img", err.Error()
	if selected := parse.Context.Selected(); selected != nil {
		program += " " + selected.Name
	} else if name, ok := strings.CutPrefix(text, "unexpected argument "); ok {
		text = "unknown command " + name
	}
	if argument, ok := strings.CutPrefix(text, `expected "`); ok {
		text = "missing argument " + strings.TrimSuffix(argument, `"`)
	}
	return fmt.Errorf("%s, see %s --help", text, program)
}
