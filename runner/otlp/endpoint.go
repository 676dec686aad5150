// Package otlp sends the metrics, events and profiles of a run to a collector, by the
// OpenTelemetry protocol over HTTP with protobuf bodies
// (https://opentelemetry.io/docs/specs/otlp/). The environment variables of
// OpenTelemetry say what flags do not.
package otlp

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
)

// Signal is a kind of telemetry.
type Signal string

// The signals, as in the names of variables.
const (
	Metrics  Signal = "metrics"
	Logs     Signal = "logs"
	Profiled Signal = "profiles"
)

// FromEnvironment is the value of a flag that leaves the endpoint to the
// environment.
const FromEnvironment = "otlp"

// What OpenTelemetry's specification of exporters sets where nothing else does.
const (
	defaultEndpoint = "http://localhost:4318"
	defaultTimeout  = 10 * time.Second
	defaultInterval = 60 * time.Second
	defaultService  = "gadget-run"
)

// Endpoint is where one signal goes.
type Endpoint struct {
	URL     string
	Headers http.Header
	// Timeout bounds a request.
	Timeout time.Duration
	// Interval is the time between two pushes of metrics.
	Interval time.Duration
	// Resource identifies the sender.
	Resource *resourcepb.Resource
}

// environment reads variables; the one of a signal has precedence over the general one.
type environment struct {
	signal Signal
	lookup func(string) string
}

func (e environment) exporter(name string) (variable, value string) {
	own := "OTEL_EXPORTER_OTLP_" + strings.ToUpper(string(e.signal)) + "_" + name
	if v := e.lookup(own); v != "" {
		return own, v
	}
	general := "OTEL_EXPORTER_OTLP_" + name
	return general, e.lookup(general)
}

// NewEndpoint reads value, FromEnvironment or a URL; one without a path gets that
// of the signal.
func NewEndpoint(value string, signal Signal) (Endpoint, error) {
	return newEndpoint(value, environment{signal, os.Getenv})
}

func newEndpoint(value string, env environment) (Endpoint, error) {
	e := Endpoint{Headers: http.Header{}}
	var err error
	if e.URL, err = env.url(value); err != nil {
		return Endpoint{}, err
	}
	name, protocol := env.exporter("PROTOCOL")
	if protocol != "" && protocol != "http/protobuf" {
		return Endpoint{}, fmt.Errorf("%s is %q, only http/protobuf is supported", name, protocol)
	}
	name, headers := env.exporter("HEADERS")
	pairs, err := list(name, headers)
	if err != nil {
		return Endpoint{}, err
	}
	for _, p := range pairs {
		e.Headers.Set(p[0], p[1])
	}
	name, timeout := env.exporter("TIMEOUT")
	if e.Timeout, err = milliseconds(name, timeout, defaultTimeout); err != nil {
		return Endpoint{}, err
	}
	const interval = "OTEL_METRIC_EXPORT_INTERVAL"
	if e.Interval, err = milliseconds(interval, env.lookup(interval), defaultInterval); err != nil {
		return Endpoint{}, err
	}
	e.Resource, err = env.resource()
	return e, err
}

// url returns the whole URL of the signal.
func (e environment) url(value string) (string, error) {
	name, base := "the endpoint", value
	path := "/v1/" + string(e.signal)
	if e.signal == Profiled {
		path = "/v1development/" + string(e.signal) // not stable yet
	}
	if value == FromEnvironment {
		name, base = e.exporter("ENDPOINT")
		base = cmp.Or(base, defaultEndpoint)
		if name != "OTEL_EXPORTER_OTLP_ENDPOINT" {
			path = "" // that of a signal is used as it is
		}
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%s %q is not a URL such as %s, nor the word %q", name, base, defaultEndpoint, FromEnvironment)
	}
	if u.User != nil {
		return "", fmt.Errorf("%s has a password, put it into OTEL_EXPORTER_OTLP_HEADERS", name)
	}
	if value == FromEnvironment || strings.Trim(u.Path, "/") == "" {
		u.Path = strings.TrimSuffix(u.Path, "/") + path
	}
	return u.String(), nil
}

// resource returns the service, the host and what the environment adds.
func (e environment) resource() (*resourcepb.Resource, error) {
	values := map[string]string{"service.name": defaultService}
	order := []string{"service.name"}
	set := func(key, value string) {
		if _, ok := values[key]; !ok {
			order = append(order, key)
		}
		values[key] = value
	}
	if host, err := os.Hostname(); err == nil {
		set("host.name", host)
	}
	const attributes = "OTEL_RESOURCE_ATTRIBUTES"
	pairs, err := list(attributes, e.lookup(attributes))
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		set(p[0], p[1])
	}
	if service := e.lookup("OTEL_SERVICE_NAME"); service != "" {
		set("service.name", service)
	}
	out := &resourcepb.Resource{}
	for _, key := range order {
		out.Attributes = append(out.Attributes, text(key, values[key]))
	}
	return out, nil
}

// list reads "key=value,key=value", with percent-encoded values.
func list(name, value string) ([][2]string, error) {
	var out [][2]string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		k, v, ok := strings.Cut(part, "=")
		v, err := url.PathUnescape(strings.TrimSpace(v))
		if k = strings.TrimSpace(k); !ok || k == "" || err != nil {
			return nil, fmt.Errorf("%s is not a comma-separated list of key=value with percent-encoded values", name)
		}
		out = append(out, [2]string{k, v})
	}
	return out, nil
}

// milliseconds reads a number of milliseconds.
func milliseconds(name, value string, otherwise time.Duration) (time.Duration, error) {
	if value == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%s is %q, want a number of milliseconds", name, value)
	}
	return time.Duration(n) * time.Millisecond, nil
}

// text is an attribute with a text.
func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: textValue(value)}
}

func textValue(value string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: validText(value)}}
}

// validText is a text as the protocol allows it.
func validText(value string) string { return strings.ToValidUTF8(value, "\uFFFD") }
