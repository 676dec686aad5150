package cli

import (
	"fmt"
	"strconv"
	"time"
)

// Timeout is a duration, or a plain number of seconds as other runners take it.
type Timeout time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Timeout) UnmarshalText(text []byte) error {
	if n, err := strconv.ParseUint(string(text), 10, 31); err == nil {
		*t = Timeout(time.Duration(n) * time.Second)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a time, use one like 5s, 2m30s or a number of seconds", text)
	}
	*t = Timeout(d)
	return nil
}
