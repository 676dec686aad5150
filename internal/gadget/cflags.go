package gadget

import (
	"fmt"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/lazyregexp"
)

// allowedFlags holds the forms of compiler flags that build.yaml may add. None
// names a file, except -I, which stays in the gadget's directory. None takes a
// second word, and none passes words on to other programs (-Wl, -Wa, -Wp).
var allowedFlags = []lazyregexp.Regexp{
	lazyregexp.New(`^-I(.+)$`),
	lazyregexp.New(`^-D[A-Za-z_][A-Za-z0-9_]*(\([A-Za-z0-9_, ]*\))?(=.*)?$`),
	lazyregexp.New(`^-W[a-z0-9+][a-z0-9+-]*(=[A-Za-z0-9_+-]+)?$`),
	lazyregexp.New(`^-f[a-z][a-z0-9-]*(=[A-Za-z0-9_.+-]+)?$`),
	lazyregexp.New(`^-O[0-3sz]?$`),
	lazyregexp.New(`^-g([0-3]|dwarf-[2-5]|line-tables-only|no-[a-z-]+)?$`),
	lazyregexp.New(`^-m[a-z][a-z0-9-]*(=[A-Za-z0-9_.+-]+)?$`),
	lazyregexp.New(`^-std=[a-z0-9:+]+$`),
}

// deniedFlags are beginnings of flags that have an allowed form, but load
// code, read or write files, or make the result something else than an object.
var deniedFlags = []string{
	"-fplugin", "-fpass-plugin", "-fmodule", "-fno-module", "-fcrash", "-fsave-", "-fprofile",
	"-fcs-profile", "-fauto-profile", "-fcoverage", "-fdump", "-femit", "-fembed", "-flto", "-fthin",
	"-fsyntax-only", "-ftime-trace", "-fproc-stat", "-fuse-ld", "-fsanitize", "-fbuild-session",
	"-fapi-notes", "-findex", "-foffload", "-ffile-", "-fdebug-", "-fmacro-prefix", "-fxray",
	"-fbasic-block-sections", "-fdiagnostics-", "-fintegrated", "-fno-integrated", "-fdriver",
	"-mllvm", "-mlink", "-mfloat-abi",
}

// CheckCFlag returns an error unless flag may be given to the compiler by a
// gadget: a -D, -W, -f, -O, -g, -m or -std flag that touches no file, or -I
// with a directory inside the gadget's.
func CheckCFlag(flag string) error {
	for _, d := range deniedFlags {
		if strings.HasPrefix(flag, d) {
			return fmt.Errorf("flag %q is not allowed, remove it", flag)
		}
	}
	if dir, ok := strings.CutPrefix(flag, "-I"); ok && dir != "" {
		if _, err := insidePath(dir); err != nil {
			return fmt.Errorf("flag %q: %w", flag, err)
		}
	}
	for _, re := range allowedFlags {
		if re.MatchString(flag) {
			return nil
		}
	}
	return fmt.Errorf("flag %q is not allowed, use -I, -D, -W, -f, -O, -g, -m or -std, each in one word", flag)
}

// splitWords splits s into words as a shell does, with quotes and backslashes,
// but expands nothing.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote, escaped := false, rune(0), false
	for _, c := range s {
		switch {
		case escaped:
			if quote == '"' && !strings.ContainsRune("\"\\$`", c) {
				word.WriteRune('\\')
			}
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inWord = c, true
		case quote == 0 && strings.ContainsRune(" \t\n", c):
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("%q ends inside a quote, close it", s)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
