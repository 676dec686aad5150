package app

import (
	"fmt"
	"io"
	"strings"
)

// writeBash writes a script for bash: values of a flag where the word before
// the cursor is one, flags after a "-", else commands; files where nothing fits.
func writeBash(out io.Writer, nodes []completion) error {
	w := &strings.Builder{}
	fmt.Fprint(w, `_gadget_run() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" at="" word words="" flags=""
    if [[ $cur == "=" ]]; then
        cur=""
    elif [[ $prev == "=" ]]; then
        prev="${COMP_WORDS[COMP_CWORD-2]}"
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$at/$word" in
`)
	cases(w, nodes, "            %s) at=%s ;;\n")
	fmt.Fprint(w, `        esac
    done
    case "$at $prev" in
`)
	valueCases(w, nodes, "        \"%s\") words=%q ;;\n")
	fmt.Fprint(w, `    esac
    [[ -n $words ]] || case "$at" in
`)
	for _, c := range nodes {
		var words, flags []string
		for _, x := range c.words {
			words = append(words, x.word)
		}
		for _, f := range c.flags {
			flags = append(flags, f.names[0])
		}
		fmt.Fprintf(w, "        %q) words=%q flags=%q ;;\n", c.place, strings.Join(words, " "), strings.Join(flags, " "))
	}
	fmt.Fprint(w, `    esac
    [[ $cur != -* ]] || words=$flags
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then mapfile -t COMPREPLY < <(compgen -f -- "$cur"); fi
}
complete -o filenames -F _gadget_run gadget-run
`)
	_, err := io.WriteString(out, w.String())
	return err
}

// valueCases writes a case for each flag with fixed values: the places where it
// stands, and the values.
func valueCases(w io.Writer, nodes []completion, format string) {
	for _, c := range nodes {
		for _, f := range c.flags {
			if len(f.values) > 0 {
				fmt.Fprintf(w, format, strings.Join(each(c.place+" ", f.names), `"|"`), strings.Join(f.values, " "))
			}
		}
	}
}

func each(before string, words []string) []string {
	var all []string
	for _, word := range words {
		all = append(all, before+word)
	}
	return all
}

// writeZsh writes a script that works from a directory of fpath and by source.
func writeZsh(out io.Writer, nodes []completion) error {
	w := &strings.Builder{}
	fmt.Fprint(w, `#compdef gadget-run
_gadget-run() {
    local at="" word
    local -a commands flags choices
    for word in "${words[@]:1:$((CURRENT-2))}"; do
        case "$at/$word" in
`)
	cases(w, nodes, "            %s) at=%s ;;\n")
	fmt.Fprint(w, `        esac
    done
    case "$at ${words[CURRENT-1]}" in
`)
	valueCases(w, nodes, "        \"%s\") choices=(%s) ;;\n")
	fmt.Fprint(w, `    esac
    if (( ${#choices} )); then compadd -a choices; return; fi
    case "$at" in
`)
	for _, c := range nodes {
		fmt.Fprintf(w, "        %q)\n            commands=(%s)\n            flags=(", c.place, zshWords(c.words))
		for _, f := range c.flags {
			fmt.Fprintf(w, "%s ", zshWords([]candidate{{f.names[0], f.help}}))
		}
		fmt.Fprint(w, ") ;;\n")
	}
	fmt.Fprint(w, `    esac
    if [[ ${words[CURRENT]} == -* ]]; then
        _describe -o flag flags
        return
    fi
    if (( ${#commands} )); then _describe command commands; else _files; fi
}
if [[ ${funcstack[1]} == _gadget-run ]]; then _gadget-run "$@"; else compdef _gadget-run gadget-run; fi
`)
	_, err := io.WriteString(out, w.String())
	return err
}

// zshWords are words as _describe takes them: word:help, with colons escaped.
func zshWords(all []candidate) string {
	var quoted []string
	for _, c := range all {
		quoted = append(quoted, quote(strings.ReplaceAll(c.word, ":", `\:`)+":"+c.help))
	}
	return strings.Join(quoted, " ")
}

// writeFish writes a script for fish.
func writeFish(out io.Writer, nodes []completion) error {
	w := &strings.Builder{}
	fmt.Fprint(w, `function __gadget_run_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch "$at/$word"
`)
	for _, c := range nodes {
		if len(c.calls) > 0 {
			fmt.Fprintf(w, "            case %s\n                set at %s\n", strings.Join(c.calls, " "), c.place)
		}
	}
	fmt.Fprint(w, `        end
    end
    test "$at" = "$argv[1]"
end
`)
	for _, c := range nodes {
		at := fmt.Sprintf("complete -c gadget-run -n %s", quote(fmt.Sprintf("__gadget_run_at %q", c.place)))
		for _, x := range c.words {
			fmt.Fprintf(w, "%s -f -a %s -d %s\n", at, x.word, fishQuote(x.help))
		}
		for _, f := range c.flags {
			fmt.Fprintf(w, "%s%s -d %s\n", at, fishFlag(f), fishQuote(f.help))
		}
	}
	_, err := io.WriteString(out, w.String())
	return err
}

func fishFlag(f completedFlag) string {
	text := " -l " + strings.TrimPrefix(f.names[0], "--")
	if len(f.names) > 1 {
		text += " -s " + strings.TrimPrefix(f.names[1], "-")
	}
	switch {
	case len(f.values) > 0:
		text += " -x -a " + fishQuote(strings.Join(f.values, " "))
	case f.takes:
		text += " -r"
	}
	return text
}

// fishQuote quotes s for fish, which supports escapes between single quotes.
func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
