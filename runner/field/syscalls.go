package field

//go:generate go run gensyscalls.go

// syscallFormatter names system calls of the machine the runner runs on.
func syscallFormatter(*builder, *Field) formatter {
	return func(dst []byte, v uint64) []byte {
		name, ok := syscallNames[v]
		if !ok {
			name = "UNKNOWN"
		}
		return append(append(dst, "SYS_"...), name...)
	}
}
