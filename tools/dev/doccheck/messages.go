package main

import (
	"fmt"
	"go/scanner"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// minFixed is how many characters of a quoted message must be fixed.
const minFixed = 12

// codeSpan matches what a Markdown cell quotes.
var codeSpan = regexp.MustCompile("`([^`]+)`")

// checkMessages reports the error messages that a document quotes and that no source
// has: those in the first column of a table whose first heading is "error". "..."
// in a quotation replaces what varies.
func checkMessages(text string, sources func() ([]string, error)) []string {
	var out []string
	quoting := false
	for i, line := range strings.Split(text, "\n") {
		first, isRow := firstCell(line)
		if !isRow || first == "error" {
			quoting = isRow
			continue
		}
		if !quoting {
			continue
		}
		for _, m := range codeSpan.FindAllStringSubmatch(first, -1) {
			if why := unknownMessage(m[1], sources); why != "" {
				out = append(out, fmt.Sprintf("%d: the error %q %s", i+1, m[1], why))
			}
		}
	}
	return out
}

// firstCell returns the first cell of a row of a table.
func firstCell(line string) (string, bool) {
	rest, ok := strings.CutPrefix(line, "|")
	if !ok {
		return "", false
	}
	cell, _, _ := strings.Cut(rest, "|")
	return strings.TrimSpace(cell), true
}

func unknownMessage(quoted string, sources func() ([]string, error)) string {
	fixed := strings.Split(quoted, "...")
	if len(strings.Join(fixed, "")) < minFixed {
		return "is too short to be found in the sources"
	}
	literals, err := sources()
	if err != nil {
		return err.Error()
	}
	for _, literal := range literals {
		if inOrder(literal, fixed) {
			return ""
		}
	}
	return "is in no source"
}

// inOrder reports whether text has all parts, one after the other.
func inOrder(text string, parts []string) bool {
	for _, part := range parts {
		_, after, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = after
	}
	return true
}

// starlarkString matches a string of Starlark.
var starlarkString = regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"`)

// messages returns the string constants of the committed programs and rules, without
// those of tests.
var messages = sync.OnceValues(func() ([]string, error) {
	var out []string
	err := eachCommitted(func(file string, data []byte) {
		if strings.HasSuffix(file, ".go") {
			out = append(out, goStrings(data)...)
			return
		}
		for _, quoted := range starlarkString.FindAllString(string(data), -1) {
			if s, err := strconv.Unquote(quoted); err == nil {
				out = append(out, s)
			}
		}
	}, "*.go", "*.bzl", ":!*_test.go", ":!tools/dev")
	return out, err
})

// goStrings returns the string literals of a Go file, those that "+" joins as one.
func goStrings(data []byte) []string {
	set := token.NewFileSet()
	var s scanner.Scanner
	s.Init(set.AddFile("", set.Base(), len(data)), data, nil, 0)
	var out []string
	last, before := token.ILLEGAL, token.ILLEGAL
	for {
		_, kind, text := s.Scan()
		if kind == token.EOF {
			return out
		}
		if value, err := strconv.Unquote(text); kind == token.STRING && err == nil {
			if last == token.ADD && before == token.STRING {
				out[len(out)-1] += value
			} else {
				out = append(out, value)
			}
		}
		before, last = last, kind
	}
}
