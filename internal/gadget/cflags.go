package gadget

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// allowedFlags holds the flags of the compiler that build.yaml may add to
// those of allowedFeatures. None reads or writes a file, except -I, which stays in
// the gadget's directory; none looks at this machine, as -mcpu=probe does, or makes
// something else than an object. None takes a second word, and none passes words
// on to other programs (-Wl, -Wa, -Wp).
var allowedFlags = []*regexp.Regexp{
	regexp.MustCompile(`^-I(.+)$`),
	regexp.MustCompile(`^-D[A-Za-z_][A-Za-z0-9_]*(\([A-Za-z0-9_, ]*\))?(=.*)?$`),
	regexp.MustCompile(`^-W[a-z0-9+][a-z0-9+-]*(=[A-Za-z0-9_+-]+)?$`),
	regexp.MustCompile(`^-O[0-3sz]?$`),
	regexp.MustCompile(`^-g([0-3]|dwarf-[2-5])?$`),
	regexp.MustCompile(`^-mcpu=(generic|v[1-4])$`),
	regexp.MustCompile(`^-mlittle-endian$`),
	regexp.MustCompile(`^-std=(c|gnu)(89|90|99|11|17|18|23|2x)$`),
	regexp.MustCompile(`^-ftrivial-auto-var-init=(zero|pattern|uninitialized)$`),
	regexp.MustCompile(`^-fcf-protection=none$`),
	regexp.MustCompile(`^-f(error-limit|macro-backtrace-limit|bracket-depth|pack-struct|strict-flex-arrays)=[0-9]{1,6}$`),
}

// allowedFeatures are what -f turns on, and -fno- off: the language, what the
// optimizer may take for granted, and which transformations it tries.
var allowedFeatures = []string{
	"asynchronous-unwind-tables", "builtin", "common", "data-sections", "delete-null-pointer-checks",
	"eliminate-unused-debug-types", "exceptions", "finite-loops", "freestanding", "function-sections", "gnu-inline-asm",
	"gnu89-inline", "hosted", "inline", "inline-functions", "inline-hint-functions", "jump-tables", "keep-static-consts",
	"lax-vector-conversions", "math-errno", "merge-all-constants", "ms-extensions", "omit-frame-pointer",
	"optimize-sibling-calls", "pic", "PIC", "pie", "PIE", "short-enums", "short-wchar", "signed-char", "slp-vectorize",
	"stack-protector", "standalone-debug", "strict-aliasing", "strict-enums", "strict-overflow",
	"strict-return", "unroll-loops", "unsigned-char", "unwind-tables", "vectorize", "verbose-asm",
	"wrapv", "zero-initialized-in-bss",
}

// CheckCFlag returns an error unless flag may be given to the compiler by a
// gadget.
func CheckCFlag(flag string) error {
	if dir, ok := strings.CutPrefix(flag, "-I"); ok && dir != "" {
		if _, err := insidePath(dir); err != nil {
			return fmt.Errorf("flag %q: %w", flag, err)
		}
	}
	if feature, ok := strings.CutPrefix(flag, "-f"); ok {
		if slices.Contains(allowedFeatures, strings.TrimPrefix(feature, "no-")) {
			return nil
		}
	}
	for _, re := range allowedFlags {
		if re.MatchString(flag) {
			return nil
		}
	}
	return fmt.Errorf("flag %q is not allowed, remove it: -I, -D, -W, -O, -g, -std, -mcpu=v1 to v4 and -f flags that "+
		"touch no file are", flag)
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
