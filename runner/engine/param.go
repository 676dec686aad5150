package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// ParamType is the kind of values that a parameter takes.
type ParamType string

// The types of parameters, as help texts name them.
const (
	ParamBool   ParamType = "bool"
	ParamInt    ParamType = "int"
	ParamUint   ParamType = "uint"
	ParamFloat  ParamType = "float"
	ParamString ParamType = "string"
	ParamIP     ParamType = "ip"
)

// maxParamSize is the largest constant that can be set, in bytes.
const maxParamSize = 64 << 10

// Param is a constant of the object that the user may set before loading.
type Param struct {
	Var  string // C variable
	Key  string // name of the flag
	Type ParamType
	Size int // bytes of the variable
	ParamMetadata
}

// wellKnown are the parameters of the shared filter header, by variable.
var wellKnown = map[string]ParamMetadata{
	"targ_pid":  {Key: "pid", Description: "Show only events of processes with this id"},
	"targ_tid":  {Key: "tid", Description: "Show only events of threads with this id"},
	"targ_uid":  {Key: "uid", Description: "Show only events of processes of this user id"},
	"targ_gid":  {Key: "gid", Description: "Show only events of processes of this group id"},
	"targ_comm": {Key: "comm", Description: "Show only events of processes with this name"},

	"collect_ustack":     {Key: "collect-ustack", Description: "Collect stacks of user programs"},
	"collect_build_id":   {Key: "collect-build-id", Description: "Collect build ids"},
	"collect_otel_stack": {Key: "collect-otel-stack", Description: "Collect OpenTelemetry stacks"},
}

// addParam adds the parameter that sets variable name.
func (p *Plan) addParam(name string, md ParamMetadata) error {
	if slices.ContainsFunc(p.Params, func(o Param) bool { return o.Var == name }) {
		return nil
	}
	v, ok := p.Spec.Variables[name]
	if !ok || v.Type == nil {
		return fmt.Errorf("parameter %q: the object has no such constant", name)
	}
	par := Param{Var: name, Key: name, Size: int(v.Size())}
	if par.Size == 0 || par.Size > maxParamSize {
		return fmt.Errorf("parameter %q: a constant of %d bytes cannot be set", name, par.Size)
	}
	if wk, ok := wellKnown[name]; ok {
		par.ParamMetadata = wk
	}
	par.merge(md)
	if par.ParamMetadata.Key != "" {
		par.Key = par.ParamMetadata.Key
	}
	var err error
	if par.Type, err = paramType(v.Type.Type); err != nil {
		return fmt.Errorf("parameter %q: %w", name, err)
	}
	p.Params = append(p.Params, par)
	return nil
}

// merge overrides what is known of the parameter by what gadget.yaml says.
func (p *Param) merge(md ParamMetadata) {
	for _, f := range []struct {
		dst *string
		src string
	}{
		{&p.ParamMetadata.Key, md.Key},
		{&p.Default, md.Default},
		{&p.Title, md.Title},
		{&p.Description, md.Description},
		{&p.Alias, md.Alias},
	} {
		if f.src != "" {
			*f.dst = f.src
		}
	}
	p.Mandatory = md.Mandatory
	p.PossibleValues = md.PossibleValues
}

func paramType(t btf.Type) (ParamType, error) {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		switch t.Encoding {
		case btf.Bool:
			return ParamBool, nil
		case btf.Signed:
			return ParamInt, nil
		}
		return ParamUint, nil
	case *btf.Enum:
		return ParamUint, nil
	case *btf.Float:
		return ParamFloat, nil
	case *btf.Array:
		if i, ok := btf.UnderlyingType(t.Type).(*btf.Int); ok && i.Size == 1 {
			return ParamString, nil
		}
	case *btf.Struct:
		if t.Name == "gadget_l3endpoint_t" {
			return ParamIP, nil
		}
	}
	return "", fmt.Errorf("type %v cannot be set from a text", t)
}

// Encode returns the bytes of the variable for value.
func (p Param) Encode(value string) ([]byte, error) {
	if len(p.PossibleValues) > 0 && !slices.Contains(p.PossibleValues, value) {
		return nil, fmt.Errorf("%q is not one of %s", value, strings.Join(p.PossibleValues, ", "))
	}
	out := make([]byte, p.Size)
	switch p.Type {
	case ParamBool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return nil, fmt.Errorf("%q is not a bool, use true or false", value)
		}
		n := uint64(0)
		if b {
			n = 1
		}
		return out, orPut(out, n, nil)
	case ParamInt:
		n, err := strconv.ParseInt(value, 0, p.bits())
		return out, orPut(out, uint64(n), numberError(err, value))
	case ParamUint:
		n, err := strconv.ParseUint(value, 0, p.bits())
		return out, orPut(out, n, numberError(err, value))
	case ParamFloat:
		return out, putFloat(out, value)
	case ParamString:
		if len(value) >= p.Size {
			return nil, fmt.Errorf("%q is longer than %d bytes", value, p.Size-1)
		}
		if strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("%q contains a zero byte", value)
		}
		copy(out, value)
		return out, nil
	case ParamIP:
		return out, putIP(out, value)
	}
	return nil, fmt.Errorf("unknown parameter type %q", p.Type)
}

func (p Param) bits() int { return p.Size * 8 }

// numberError says in one clause why value is not the number that was asked
// for.
func numberError(err error, value string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%q is out of range", value)
	}
	return fmt.Errorf("%q is not a number", value)
}

func orPut(dst []byte, n uint64, err error) error {
	if err != nil {
		return err
	}
	switch len(dst) {
	case 1:
		dst[0] = byte(n)
	case 2:
		binary.NativeEndian.PutUint16(dst, uint16(n))
	case 4:
		binary.NativeEndian.PutUint32(dst, uint32(n))
	case 8:
		binary.NativeEndian.PutUint64(dst, n)
	default:
		return fmt.Errorf("a number of %d bytes cannot be set", len(dst))
	}
	return nil
}

func putFloat(dst []byte, value string) error {
	f, err := strconv.ParseFloat(value, len(dst)*8)
	if err != nil {
		return numberError(err, value)
	}
	if len(dst) == 4 {
		return orPut(dst, uint64(math.Float32bits(float32(f))), nil)
	}
	return orPut(dst, math.Float64bits(f), nil)
}

// putIP writes value as struct gadget_l3endpoint_t: 16 bytes of address, then
// the version.
func putIP(dst []byte, value string) error {
	a, err := netip.ParseAddr(value)
	if err != nil || len(dst) < 17 {
		return fmt.Errorf("%q is not an IP address", value)
	}
	if a.Is4() || a.Is4In6() {
		b := a.Unmap().As4()
		copy(dst, b[:])
		dst[16] = 4
		return nil
	}
	b := a.As16()
	copy(dst, b[:])
	dst[16] = 6
	return nil
}

// SetParam sets the constant of p in the plan's spec.
func (p *Plan) SetParam(par Param, value string) error {
	b, err := par.Encode(value)
	if _, sizes := p.Spec.Maps[strings.TrimSuffix(par.Var, maxEntriesSuffix)]; sizes && err == nil && !slices.ContainsFunc(b, nonZero) {
		err = fmt.Errorf("%q is not a size of a map", value)
	}
	if err != nil {
		return fmt.Errorf("parameter --%s: %w", par.Key, err)
	}
	if err := p.Spec.Variables[par.Var].Set(b); err != nil {
		return fmt.Errorf("parameter --%s: %w", par.Key, err)
	}
	return nil
}

// SetParams sets every parameter that values (by C variable) or gadget.yaml has
// a value for; the others keep what the object says.
func (p *Plan) SetParams(values map[string]string) error {
	for _, par := range p.Params {
		value, given := values[par.Var]
		if !given {
			value = par.Default
		}
		if par.Mandatory && value == "" {
			return fmt.Errorf("parameter --%s must be given", par.Key)
		}
		if value == "" && !given {
			continue
		}
		if err := p.SetParam(par, value); err != nil {
			return err
		}
	}
	return nil
}

func nonZero(b byte) bool { return b != 0 }
