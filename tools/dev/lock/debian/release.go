// Package debian reads a Debian archive: its signed Release file, its package indices and its packages.
package debian

import (
	"bufio"
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var sha256Pattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Sum is what an archive says about one of its files.
type Sum struct {
	SHA256 string
	Size   int64
}

// ParseRelease reads the SHA256 section of a Release or InRelease file: the sum of every index file by its path
// relative to the suite's directory, such as "main/binary-amd64/Packages.xz". The signature is not looked at.
func ParseRelease(data []byte) (map[string]Sum, error) {
	sums := map[string]Sum{}
	inSums := false
	scanner := bufio.NewScanner(bytes.NewReader(data))
	for scanner.Scan() {
		line := scanner.Text()
		if !strings.HasPrefix(line, " ") {
			inSums = line == "SHA256:"
			continue
		}
		if !inSums {
			continue
		}
		path, sum, err := parseSum(line)
		if err != nil {
			return nil, fmt.Errorf("reading the Release file: %w", err)
		}
		sums[path] = sum
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("reading the Release file: %w", err)
	}
	if len(sums) == 0 {
		return nil, fmt.Errorf("reading the Release file: no SHA256 section")
	}
	return sums, nil
}

func parseSum(line string) (string, Sum, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 || !sha256Pattern.MatchString(fields[0]) {
		return "", Sum{}, fmt.Errorf("line %q is not \"sha256 size path\"", line)
	}
	size, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || size < 0 {
		return "", Sum{}, fmt.Errorf("line %q has no size", line)
	}
	return fields[2], Sum{SHA256: fields[0], Size: size}, nil
}
