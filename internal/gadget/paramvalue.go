package gadget

import (
	"fmt"
	"net/netip"
	"strconv"

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
	switch {
	case !isConst || !isVolatile:
		return fmt.Sprintf("variable %q is a parameter, but not declared \"const volatile\"", v.Name)
	case checkParamValue(v, "") == unsettable:
		return fmt.Sprintf("variable %q is a parameter, but no flag can set its type, use %s", v.Name, unsettable)
	}
	return ""
}

// unsettable is the hint for a variable whose type no flag can express.
const unsettable = "a variable of another type: a number, a bool, a char array or a gadget_l3endpoint_t"

// checkParamValue returns what form a value of the variable must have, empty
// when value has it.
func checkParamValue(v *btf.Var, value string) string {
	switch t := btf.UnderlyingType(v.Type).(type) {
	case *btf.Int:
		return checkInt(t, value)
	case *btf.Enum:
		return checkInteger(value, int(t.Size)*8, false)
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
	case *btf.Struct:
		if t.Name != "gadget_l3endpoint_t" {
			return unsettable
		}
		if _, err := netip.ParseAddr(value); err != nil {
			return "an IP address"
		}
	default:
		return unsettable
	}
	return ""
}

func checkInt(t *btf.Int, value string) string {
	if t.Encoding == btf.Bool {
		if _, err := strconv.ParseBool(value); err != nil {
			return "true or false"
		}
		return ""
	}
	return checkInteger(value, int(t.Size)*8, t.Encoding == btf.Signed)
}

func checkInteger(value string, bits int, signed bool) string {
	if bits > 64 {
		return unsettable
	}
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
