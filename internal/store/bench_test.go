package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// BenchmarkOpen is what the store adds to the start of a run: it must not
// depend on how many artifacts there are.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1, 2000} {
		b.Run(fmt.Sprintf("artifacts=%d", n), func(b *testing.B) {
			dir := b.TempDir() + "/state"
			s, err := store.Open(dir)
			if err != nil {
				b.Fatal(err)
			}
			for i := range n {
				a := registrytest.NewArtifact(b, uint64(i), 100)
				if err := s.Put(context.Background(), a, a.Root, fmt.Sprintf("example.com/gadget%d:v1", i), nil); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				s, err := store.Open(dir)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Resolve("example.com/gadget0:v1"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
