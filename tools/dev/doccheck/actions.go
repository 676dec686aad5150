package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// mnemonic matches the name of an action in Starlark.
var mnemonic = regexp.MustCompile(`\bmnemonic = "(\w+)"`)

// checkActions compares a table whose first heading is "mnemonic", with the tool of
// each in the second column, with the actions that the rules declare.
func checkActions(text string, declared func() ([]string, error)) []string {
	var out, named []string
	reading, at := false, 0
	for i, line := range strings.Split(text, "\n") {
		first, isRow := firstCell(line)
		if !isRow || first == "mnemonic" {
			reading = isRow
			continue
		}
		cells := codeSpan.FindAllStringSubmatch(line, 2)
		if !reading || len(cells) < 2 {
			continue
		}
		named, at = append(named, cells[0][1]), i+1
		if _, err := os.Stat(cells[1][1]); err != nil {
			out = append(out, fmt.Sprintf("%d: the tool %q does not exist", at, cells[1][1]))
		}
	}
	if len(named) == 0 {
		return nil
	}
	actions, err := declared()
	if err != nil {
		return append(out, err.Error())
	}
	for _, name := range named {
		if !slices.Contains(actions, name) {
			out = append(out, fmt.Sprintf("%d: no rule declares the action %s", at, name))
		}
	}
	for _, name := range actions {
		if !slices.Contains(named, name) {
			out = append(out, fmt.Sprintf("%d: the table lacks the action %s", at, name))
		}
	}
	return out
}

// actions returns the mnemonics of the committed rules, without those of tests.
var actions = sync.OnceValues(func() ([]string, error) {
	var out []string
	err := eachCommitted(func(_ string, data []byte) {
		for _, m := range mnemonic.FindAllSubmatch(data, -1) {
			out = append(out, string(m[1]))
		}
	}, "*.bzl", ":!*/tests/*")
	slices.Sort(out)
	return slices.Compact(out), err
})
