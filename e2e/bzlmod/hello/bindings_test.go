package hello_test

import (
	"testing"
	"unsafe"

	"example.com/hello/bindings"
)

func TestBindings(t *testing.T) {
	spec, err := bindings.LoadHello()
	if err != nil {
		t.Fatal(err)
	}
	if spec.Programs["hello_exit"] == nil || spec.Maps["events"] == nil {
		t.Errorf("programs %v, maps %v; want hello_exit and events", spec.Programs, spec.Maps)
	}
	event := bindings.HelloEvent{Pid: 1}
	if got := unsafe.Sizeof(event); got != 32 {
		t.Errorf("the event has %d bytes, want 32", got)
	}
}
