// Package library finds the files of a shared library or of a program by name,
// where the loader and the shell of a root directory would: in the cache of the
// loader, its directories, those of musl, PATH. Nothing is run for it.
package library

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// The cache of glibc's loader: a header of 48 bytes, entries of 24 bytes, texts.
// An old one of another layout may precede it.
const (
	cacheMagic    = "glibc-ld.so.cache1.1"
	oldCacheMagic = "ld.so-1.7.0"

	cacheHeader, cacheEntry       = 48, 24
	oldCacheHeader, oldCacheEntry = 16, 12

	maxCacheEntries = 1 << 17
	maxCacheName    = 4096
)

// cacheFlags are the flags of the entries of libraries that programs of an
// architecture load.
var cacheFlags = map[arch.Arch]uint32{arch.AMD64: 0x0303, arch.ARM64: 0x0a03}

var errCache = errors.New("not a cache of the loader")

// cacheLibraries calls fn with name and path of every library of a in a cache of
// the loader.
func cacheLibraries(data []byte, a arch.Arch, fn func(name, path []byte)) error {
	le := binary.LittleEndian
	if bytes.HasPrefix(data, []byte(oldCacheMagic)) && len(data) >= oldCacheHeader {
		skip := oldCacheHeader + oldCacheEntry*uint64(le.Uint32(data[12:]))
		data = data[min((skip+7)&^7, uint64(len(data))):]
	}
	if len(data) < cacheHeader || !bytes.HasPrefix(data, []byte(cacheMagic)) {
		return errCache
	}
	count := uint64(le.Uint32(data[20:]))
	if count > maxCacheEntries || cacheHeader+count*cacheEntry > uint64(len(data)) {
		return errCache
	}
	for i := range count {
		e := data[cacheHeader+i*cacheEntry:]
		if le.Uint32(e) != cacheFlags[a] {
			continue
		}
		name, path := text(data, le.Uint32(e[4:])), text(data, le.Uint32(e[8:]))
		if len(name) > 0 && len(path) > 0 {
			fn(name, path)
		}
	}
	return nil
}

// text returns the text of data from at to the next NUL, nil if none exists.
func text(data []byte, at uint32) []byte {
	if uint64(at) >= uint64(len(data)) {
		return nil
	}
	data = data[at:min(len(data), int(at)+maxCacheName)]
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return data[:i]
	}
	return nil
}
