package metrics

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// helpEscapes are what a HELP line cannot have.
var helpEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`)

// units are the names that Prometheus has for units of UCUM.
var units = map[string]string{
	"d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
	"ns": "nanoseconds",
	"By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "kBy": "kilobytes", "MBy": "megabytes",
	"GBy": "gigabytes", "Hz": "hertz", "%": "percent", "Cel": "celsius", "W": "watts", "V": "volts", "A": "amperes",
	"J": "joules",
}

// metricName returns the name of a metric as the OpenTelemetry exporter for
// Prometheus makes it: with its unit, and with _total for a counter.
func metricName(name, unit, kind string) string {
	out := labelName(name)
	if word := units[unit]; word != "" && !strings.HasSuffix(out, "_"+word) {
		out += "_" + word
	}
	if kind == Counter && !strings.HasSuffix(out, "_total") {
		out += "_total"
	}
	return out
}

// labelName returns name with a _ for every character that no label may have.
func labelName(name string) string {
	out := []byte(name)
	for i, c := range out {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			out[i] = '_'
		}
	}
	return string(out)
}

// appendLabelText appends the value of a label; bytes that are not UTF-8 become
// U+FFFD.
func appendLabelText(dst, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = utf8.AppendRune(dst, r)
		}
		text = text[n:]
	}
	return dst
}

// append appends the lines of one series.
func (m *series) append(dst []byte, name, labels string, boundaries []float64) []byte {
	if m.buckets == nil {
		return line(dst, name, labels, m.value)
	}
	sum := uint64(0)
	for i, n := range m.buckets {
		sum += n
		end := "+Inf"
		if i < len(boundaries) {
			end = strconv.FormatFloat(boundaries[i], 'g', -1, 64)
		}
		dst = line(dst, name+"_bucket", labels+`,le="`+end+`"`, float64(sum))
	}
	dst = line(dst, name+"_sum", labels, m.value)
	return line(dst, name+"_count", labels, float64(sum))
}

func line(dst []byte, name, labels string, v float64) []byte {
	dst = append(append(append(append(dst, name...), '{'), labels...), "} "...)
	return append(strconv.AppendFloat(dst, v, 'g', -1, 64), '\n')
}
