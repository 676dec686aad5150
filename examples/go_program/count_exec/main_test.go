package main

import (
	"testing"

	"example.com/count_exec/bindings"
)

func TestBindings(t *testing.T) {
	spec, err := bindings.LoadCount()
	if err != nil {
		t.Fatal(err)
	}
	if spec.Programs["count_exec"] == nil || spec.Maps["counts"] == nil {
		t.Errorf("programs %v, maps %v; want count_exec and counts", spec.Programs, spec.Maps)
	}
}
