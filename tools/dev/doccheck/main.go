// Command doccheck holds the documents and the words of the tree against what they
// claim: every relative link of a Markdown file leads to a file and a heading that
// exist, a test that it names exists, an error message that it quotes is in the
// sources, a table of actions has those that the rules declare, no text uses a word
// of words.txt, and Go code declares no name of identifiers.txt.
//
//	go run ./tools/dev/doccheck [FILE...]     the committed and new files by default
//	go run ./tools/dev/doccheck --site DIR    the links of the HTML files below DIR
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed words.txt
var wordList string

// skipped are trees and files whose words are not ours.
var skipped = regexp.MustCompile(
	`^(third_party/|LICENSE|toolchain/(lock|vmlinux)/|go\.sum$|img/go\.sum$|tools/dev/doccheck/)|\.(o|xz|svg|wasm)$|/testdata/(fuzz|objects)/|package-lock\.json$`)

// recorded are the sources of gadgets, which keep their names until they run again.
var recorded = regexp.MustCompile(`^gadgets/[a-hj-z]\w+/`)

func main() {
	problems, err := run(os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "doccheck:", err)
		os.Exit(1)
	}
	if problems > 0 {
		os.Exit(1)
	}
}

// listed returns the files of the checkout that "git ls-files" lists with args.
func listed(args ...string) ([]string, error) {
	list, err := exec.Command("git", append([]string{"ls-files", "-z"}, args...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("listing files: %w", err)
	}
	return strings.FieldsFunc(string(list), func(r rune) bool { return r == 0 }), nil
}

// eachCommitted calls visit with every committed file that one of the patterns selects.
func eachCommitted(visit func(file string, data []byte), patterns ...string) error {
	files, err := listed(append([]string{"--"}, patterns...)...)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		visit(file, data)
	}
	return err
}

// run checks files and returns how many problems it printed.
func run(files []string, out io.Writer) (int, error) {
	if len(files) == 2 && files[0] == "--site" {
		found, err := checkSite(files[1])
		for _, p := range found {
			fmt.Fprintln(out, p)
		}
		return len(found), err
	}
	if len(files) == 0 {
		var err error
		if files, err = listed("-co", "--exclude-standard"); err != nil {
			return 0, err
		}
	}
	words, err := parseWords(wordList)
	if err != nil {
		return 0, err
	}
	instead, err := parseIdentifiers(identifierList)
	if err != nil {
		return 0, err
	}
	problems := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if os.IsNotExist(err) || skipped.MatchString(file) || bytes.IndexByte(data, 0) >= 0 {
			continue
		}
		if err != nil {
			return problems, err
		}
		found := words.check(file, string(data))
		if strings.HasSuffix(file, ".md") {
			found = append(found, checkLinks(file, string(data))...)
			found = append(found, checkTests(string(data))...)
			found = append(found, checkMessages(string(data), messages)...)
			found = append(found, checkActions(string(data), actions)...)
		}
		if strings.HasSuffix(file, ".go") && !recorded.MatchString(file) {
			found = append(found, checkIdentifiers(string(data), instead)...)
		}
		for _, p := range found {
			fmt.Fprintf(out, "%s:%s\n", file, p)
		}
		problems += len(found)
	}
	return problems, nil
}

// word is a pattern that texts do not use, what they use instead, and a pattern of
// the lines, "FILE:TEXT", that may use it; nil allows none.
type word struct {
	pattern *regexp.Regexp
	instead string
	except  *regexp.Regexp
}

type words []word

// parseWords reads lines of a pattern, a tab, what to write instead, and optionally
// another tab and the exceptions.
func parseWords(text string) (words, error) {
	var out words
	for i, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) < 2 || len(fields) > 3 {
			return nil, fmt.Errorf("words.txt:%d: want a pattern, a tab, what to write instead, perhaps a tab, exceptions", i+1)
		}
		w, err := parseWord(fields)
		if err != nil {
			return nil, fmt.Errorf("words.txt:%d: %w", i+1, err)
		}
		out = append(out, w)
	}
	return out, nil
}

func parseWord(fields []string) (w word, err error) {
	w.instead = strings.TrimSpace(fields[1])
	if w.pattern, err = regexp.Compile(`(?i)\b(?:` + fields[0] + `)\b`); err != nil || len(fields) < 3 {
		return w, err
	}
	w.except, err = regexp.Compile(fields[2])
	return w, err
}

// check reports the words of the list in the text of a file.
func (ws words) check(file, text string) []string {
	var out []string
	for i, line := range strings.Split(text, "\n") {
		for _, w := range ws {
			found := w.pattern.FindString(line)
			if found != "" && (w.except == nil || !w.except.MatchString(file+":"+line)) {
				out = append(out, fmt.Sprintf("%d: %q, write %s", i+1, found, w.instead))
			}
		}
	}
	return out
}

// link matches inline links of Markdown; the second group is the target.
var link = regexp.MustCompile(`!?\[[^\]]*\]\(([^)\s]+)\)`)

func checkLinks(file, text string) []string {
	var out []string
	fenced := false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		if fenced {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			if why := broken(file, m[1]); why != "" {
				out = append(out, fmt.Sprintf("%d: link %q %s", i+1, m[1], why))
			}
		}
	}
	return out
}

// broken explains why a link of file leads nowhere, "" when it is right or not
// relative.
func broken(file, target string) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return ""
	}
	path, anchor, _ := strings.Cut(target, "#")
	to := file
	if path != "" {
		to = filepath.Join(filepath.Dir(file), path)
	}
	info, err := os.Stat(to)
	if err != nil {
		return "leads to no file"
	}
	if anchor == "" || info.IsDir() || !strings.HasSuffix(to, ".md") {
		return ""
	}
	data, err := os.ReadFile(to)
	if err != nil {
		return err.Error()
	}
	if !slices.Contains(anchors(string(data)), anchor) {
		return "leads to no heading of " + to
	}
	return ""
}

// notInAnchor is what anchors leave out of headings.
var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)

// anchors returns the anchors of the headings, as forges make them.
func anchors(text string) []string {
	var out []string
	fenced := false
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		title := strings.TrimLeft(line, "#")
		if fenced || title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		a := strings.ToLower(notInAnchor.ReplaceAllString(strings.TrimSpace(title), ""))
		out = append(out, strings.ReplaceAll(a, " ", "-"))
	}
	return out
}
