package cli

import (
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// otherNames are flags of docker, podman, skopeo, oras, cosign, kubectl and ig, and
// the flags here that do the same, of which a command has the first or another one.
var otherNames = map[string][]string{
	"allow-http-registry":      {"insecure", "plain-http"},
	"allow-insecure-registry":  {"insecure", "plain-http"},
	"dest-tls-verify":          {"insecure"},
	"insecure-skip-tls-verify": {"insecure", "tls-verify"},
	"insecure-skip-verify":     {"insecure", "tls-verify"},
	"plain-http":               {"insecure"},
	"skip-tls-verify":          {"insecure", "tls-verify"},
	"src-tls-verify":           {"insecure"},
	"tls-verify":               {"insecure"},
	"insecure":                 {"tls-verify=false"},

	"cacert":          {"ca-file"},
	"tls-ca":          {"ca-file"},
	"tlscacert":       {"ca-file"},
	"creds":           {"username", "authfile"},
	"dest-creds":      {"authfile"},
	"src-creds":       {"authfile"},
	"dest-authfile":   {"authfile"},
	"src-authfile":    {"authfile"},
	"registry-config": {"authfile"},

	"disable-content-trust": {"verify-image"},
	"insecure-policy":       {"verify-image"},
	"no-verify":             {"verify-image"},
	"skip-verify":           {"verify-image"},
	"certificate-key":       {"public-keys", "key"},
	"key":                   {"public-keys"},
	"pubkey":                {"public-keys", "key"},

	"format":        {"output"},
	"output-format": {"output"},
	"outputmode":    {"output"},
	"json":          {"output=json"},
	"yaml":          {"output=yaml"},
	"columns":       {"fields", "output=columns"},

	"duration":      {"timeout"},
	"follow":        {"watch"},
	"interface":     {"iface"},
	"interfaces":    {"iface"},
	"container":     {"containername"},
	"namespace":     {"k8s-namespace"},
	"pod":           {"k8s-podname"},
	"selector":      {"k8s-selector"},
	"arch":          {"platform"},
	"override-arch": {"platform"},
	"dockerfile":    {"file"},
	"containerfile": {"file"},
}

// MeantFlag returns which of flags, names without dashes, a user means by name,
// which is none of them, with the value if it must have one.
func MeantFlag(name string, flags []string) (meant string, ok bool) {
	if meant, ok := OtherFlag(name, flags); ok {
		return meant, true
	}
	return nearest.Closest(name, flags)
}

// OtherFlag is MeantFlag for the flags of other programs alone.
func OtherFlag(name string, flags []string) (meant string, ok bool) {
	i := slices.IndexFunc(otherNames[name], func(m string) bool {
		flag, _, _ := strings.Cut(m, "=")
		return slices.Contains(flags, flag)
	})
	if i < 0 {
		return "", false
	}
	return otherNames[name][i], true
}
