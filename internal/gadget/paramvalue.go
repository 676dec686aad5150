package gadget

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// checkParamVar returns what is wrong with a variable as a parameter.
func checkParamVar(v *btf.Var) string {
	isConst, isVolatile := false, false
	t := v.Type
	for {
		switch tt := t.(type) {
		case *btf.Const:
			isConst, t = true, tt.Type
			continue
		case *btf.Volatile:
			isVolatile, t = true, tt.Type
			continue
		case *btf.Array:
			// Qualifiers of an array are its elements'.
			t = tt.Type
			continue
		}
		break
	}
	if !isConst || !isVolatile {
		return fmt.Sprintf("variable %q is a parameter, but not declared \"const volatile\"", v.Name)
	}
	return ""
}

// unsettable is the cure for a variable whose type no flag can express.
const unsettable = "a variable of another type: an integer, a bool or a char array"

// checkParamValue returns what form a value of the variable must have, empty
// when value has it.
func checkParamValue(v *btf.Var, value string) string {
	switch t := btf.UnderlyingType(v.Type).(type) {
	case *btf.Int:
		return checkInt(t, value)
	case *btf.Enum:
		for _, ev := range t.Values {
			if ev.Name == value {
				return ""
			}
		}
		return checkInteger(value, int(t.Size)*8, t.Signed)
	case *btf.Float:
		if _, err := strconv.ParseFloat(value, int(t.Size)*8); err != nil {
			return "a number"
		}
	case *btf.Array:
		element, ok := btf.UnderlyingType(t.Type).(*btf.Int)
		if !ok || element.Size != 1 {
			return unsettable
		}
		if len(value) >= int(t.Nelems) {
			return fmt.Sprintf("at most %d bytes", int(t.Nelems)-1)
		}
	case *btf.Union:
		// An IP address; what it may be is the runner's to say.
	case *btf.Struct:
	default:
		return unsettable
	}
	return ""
}

func checkInt(t *btf.Int, value string) string {
	switch {
	case t.Encoding == btf.Bool:
		if _, err := strconv.ParseBool(value); err != nil {
			return "true or false"
		}
		return ""
	case t.Encoding == btf.Char && len(value) == 1:
		return ""
	}
	return checkInteger(value, int(t.Size)*8, t.Encoding == btf.Signed)
}

func checkInteger(value string, bits int, signed bool) string {
	if bits > 64 {
		return unsettable
	}
	value = strings.TrimSpace(value)
	if signed {
		if _, err := strconv.ParseInt(value, 0, bits); err != nil {
			return fmt.Sprintf("a signed integer of %d bits", bits)
		}
		return ""
	}
	if _, err := strconv.ParseUint(value, 0, bits); err != nil {
		return fmt.Sprintf("an unsigned integer of %d bits", bits)
	}
	return ""
}
