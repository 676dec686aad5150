package assemble

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// maxAssembly is the largest assembly that is read, in bytes. What a large
// gadget has, with debug information, is some 20 MB.
const maxAssembly = 512 << 20

var (
	// readingDirective is a directive of the assembler that reads a file, or that
	// can spell such a directive from parts.
	readingDirective = regexp.MustCompile(`(?i)(^|[^\w.$@])(\.(incbin|include|macro|rept|rep|irpc?))\b`)
	// textLine is a line that has a directive with whole strings and nothing else.
	textLine = regexp.MustCompile(`^\s*\.(ascii|asciz|string|file)\s[^"#;]*("([^"\\]|\\.)*"[^"#;]*)+(#[^"]*)?$`)
)

// checkAssembly returns an error when the assembly that clang wrote of the source
// reads files: neither Bazel nor the list of files read knows of them.
func checkAssembly(name, source string) error {
	data, err := action.ReadFile(name, maxAssembly)
	if err != nil {
		return fmt.Errorf("reading assembly: %w", err)
	}
	if found := findReadingDirective(string(data)); found != "" {
		return fmt.Errorf("%s: its inline assembly has %s, which can read a file that is not an input, use #embed or an "+
			"array", source, found)
	}
	return nil
}

// findReadingDirective returns a directive that reads files, or "". One that
// occurs in a text of the program counts only where strings go over several
// lines: clang writes none such, and what is text is then uncertain.
func findReadingDirective(assembly string) string {
	inText, open := "", false
	for line := range strings.Lines(assembly) {
		line = strings.TrimRight(line, "\r\n")
		m := readingDirective.FindStringSubmatch(line)
		odd := strings.Count(line, `"`)%2 != 0
		switch {
		case (m != nil || odd) && textLine.MatchString(line):
			if m != nil {
				inText = m[2]
			}
		case m != nil:
			return m[2]
		case odd:
			open = true
		}
	}
	if open {
		return inText
	}
	return ""
}
