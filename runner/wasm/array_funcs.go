package wasm

import (
	"fmt"
	"slices"
)

// maxEntries is how many entries a program may give an array.
const maxEntries = 1 << 16

var arrayFunctions = []Function{
	{
		"Arrays", "dataArrayNew", "(array u32) u32", "Makes an entry for an array. Returns a handle of its data, 0 on error.",
		newEntry,
	},
	{
		"Arrays", "dataArrayAppend", "(array u32, data u32) u32",
		"Appends an entry to its array and releases its handle. Returns 0, 1 on error.", appendEntry,
	},
	{
		"Arrays", "dataArrayRelease", "(array u32, data u32) u32",
		"Releases an entry that is not appended. Returns 0, 1 on error.", releaseEntry,
	},
	{"Arrays", "dataArrayLen", "(array u32) u32", "Returns how many entries an array has, 0 on error.", arrayLen},
	{
		"Arrays", "dataArrayGet", "(array u32, index u32) u32",
		"Returns a handle of the entry at an index of at most 32767, 0 on error. It needs no release.", arrayGet,
	},
}

func newEntry(c call) {
	a, err := get[*array](c, 0)
	if err != nil {
		c.handle("dataArrayNew", nil, err)
		return
	}
	c.handle("dataArrayNew", a.source.newRecord(), nil)
}

// entry returns the array and the entry that the parameters are handles of.
func (c call) entry() (*array, *record, error) {
	a, err := get[*array](c, 0)
	if err != nil {
		return nil, nil, err
	}
	r, err := get[*record](c, 1)
	if err == nil && (r.source != a.source || slices.Contains(a.records, r)) {
		err = handleError{c.u32(1)}
	}
	return a, r, err
}

func appendEntry(c call) {
	a, r, err := c.entry()
	if err == nil && len(a.records) >= maxEntries {
		err = fmt.Errorf("an array has more than %d entries", maxEntries)
	}
	if err == nil {
		a.records = append(a.records, r)
		c.handles.remove(c.u32(1))
	}
	c.done("dataArrayAppend", err)
}

func releaseEntry(c call) {
	_, _, err := c.entry()
	if err == nil {
		c.handles.remove(c.u32(1))
	}
	c.done("dataArrayRelease", err)
}

func arrayLen(c call) {
	a, err := get[*array](c, 0)
	if err != nil {
		c.report("dataArrayLen", err)
		c.ret(0)
		return
	}
	c.ret(uint32(len(a.records)))
}

func arrayGet(c call) {
	a, err := get[*array](c, 0)
	index := c.u32(1)
	switch {
	case err != nil:
	case int64(index) >= int64(len(a.records)):
		err = fmt.Errorf("an array of %d entries has none at %d", len(a.records), index)
	case index > maxArrayIndex:
		err = fmt.Errorf("entry %d cannot be reached, the API ends at %d", index, maxArrayIndex)
	}
	if err != nil {
		c.report("dataArrayGet", err)
		c.ret(0)
		return
	}
	c.ret(arrayFlag | index<<arrayShift | c.u32(0))
}

// data returns the event that parameter number i is a handle of: a packet, an
// entry, or an array's handle with an index.
func (c call) data(i int) (*record, error) {
	handle := c.u32(i)
	if handle&arrayFlag == 0 {
		return get[*record](c, i)
	}
	a, ok := c.handles.get(handle & arrayMask).(*array)
	index := int(handle &^ arrayFlag >> arrayShift)
	if !ok || index >= len(a.records) {
		return nil, handleError{handle}
	}
	return a.records[index], nil
}
