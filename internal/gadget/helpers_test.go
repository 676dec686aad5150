package gadget_test

import (
	"errors"
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

func sortStrings(s []string) { slices.Sort(s) }

// zeros is the hexadecimal part of a digest that no content has.
const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func isNoGadget(err error) bool { return errors.Is(err, gadget.ErrNoGadget) }
