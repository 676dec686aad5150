package gadgettest

import (
	"os"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

func TestMk(t *testing.T) {
	os.RemoveAll(os.Getenv("OUT"))
	if err := WriteLayout(os.Getenv("OUT"), os.Getenv("OBJ"), os.Getenv("MD"), arch.AMD64); err != nil {
		t.Fatal(err)
	}
}
