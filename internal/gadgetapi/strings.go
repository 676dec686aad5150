package gadgetapi

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// checkStrings returns an error for annotations of char arrays that another field
// has, or that name no number.
func (s *Source) checkStrings() error {
	for _, f := range s.All() {
		for _, key := range []string{AnnotationString, AnnotationStringSize} {
			if _, given := f.Annotations[key]; given && (f.Base == nil || !IsString(f.Base)) {
				return fmt.Errorf("field %q has the annotation %q, which is for char arrays", f.FullName, key)
			}
		}
		size := f.Annotations[AnnotationStringSize]
		if size == "" {
			continue
		}
		if of := s.Lookup(size); of == nil || of.Kind != Uint && of.Kind != Int {
			return fmt.Errorf("annotation %q of field %q names %q, which is not a number of the event, %s",
				AnnotationStringSize, f.FullName, size, nearest.Advice(size, s.numbers()))
		}
	}
	return nil
}

// numbers returns the names of the fields that are whole numbers.
func (s *Source) numbers() []string {
	var out []string
	for _, f := range s.All() {
		if f.Kind == Uint || f.Kind == Int {
			out = append(out, f.FullName)
		}
	}
	return out
}
