package build

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/rules-gadget/rules_gadget/img/registries"
	"github.com/rules-gadget/rules_gadget/img/store"
)

// syntaxWait is how long a registry may take to say that it has a frontend.
const syntaxWait = 10 * time.Second

// syntax decides who reads a Dockerfile that names a frontend in "# syntax=":
// the frontend or, where its registry cannot be reached, the built-in one.
func syntax(ctx context.Context, dockerfile []byte, hosts *registries.Registries, attrs map[string]string,
	note func(string),
) {
	name, _, _, ok := parser.DetectSyntax(dockerfile)
	if given := attrs["build-arg:BUILDKIT_SYNTAX"]; given != "" {
		name, ok = given, true
	}
	if !ok {
		return
	}
	full, err := store.Normalize(name)
	if err == nil {
		soon, cancel := context.WithTimeout(ctx, syntaxWait)
		defer cancel()
		_, _, err = hosts.Resolver().Resolve(soon, full)
	}
	if err != nil {
		attrs["cmdline"] = "built-in" // keeps the frontend from looking for another
		note(fmt.Sprintf("# syntax=%s is read by the built-in frontend, its own cannot be reached: %v", name, err))
	}
}
