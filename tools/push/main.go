// Command push uploads a gadget's artifact to registries: what `bazel run` of
// a gadget_push target starts. The digest-pinned references are alone on
// stdout, everything else goes to stderr.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/rules-gadget/rules_gadget/internal/registry"
)

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

// flags are the command line; those that are not given come from the request.
type flags struct {
	Request          string   `placeholder:"FILE" help:"Request that the target wrote (default: the file that GADGET_PUSH_REQUEST names)."`
	Repository       []string `sep:"none" xor:"repository" placeholder:"REGISTRY/NAME" help:"Repository to push to, may be repeated; replaces the target's."`
	RepositoryPrefix []string `sep:"none" xor:"repository" placeholder:"REGISTRY/PATH" help:"Push to REGISTRY/PATH/GADGET, may be repeated; replaces the target's repositories."`
	Tag              []string `sep:"none" placeholder:"TAG" help:"Tag to set, may be repeated; replaces the target's."`
	DryRun           bool     `help:"Print what would be uploaded, upload nothing."`
	JSON             bool     `name:"json" help:"Print what was done as JSON."`
	Insecure         bool     `help:"Allow plain HTTP and certificates that do not verify."`
	Authfile         string   `placeholder:"FILE" help:"Credentials file (default: REGISTRY_AUTH_FILE, then podman's and docker's files)."`
	CAFile           string   `name:"ca-file" placeholder:"FILE" help:"PEM certificates to trust in addition to the system's."`
	CertDir          string   `placeholder:"DIR" help:"Directory of *.crt to trust, and of *.cert with *.key to show."`
	Retry            int      `default:"${attempts}" placeholder:"N" help:"Attempts for each request."`
	Quiet            bool     `short:"q" help:"Print nothing but results and errors."`
}

// usageError is the user's usage error.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "push: %v\n", err)
	stop()
	if errors.As(err, new(usageError)) {
		os.Exit(exitUsage)
	}
	os.Exit(exitFailed)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var f flags
	helped := false
	parser, err := kong.New(&f, kong.Name("push"), kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }),
		kong.Description("Uploads the artifact of a gadget to registries."),
		kong.Vars{"attempts": fmt.Sprint(registry.DefaultAttempts)})
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return usageError{err}
	}
	log := func(line string) { fmt.Fprintln(stderr, line) }
	if f.Quiet {
		log = func(string) {}
	}
	results, err := push(ctx, f, log)
	if printErr := report(stdout, f, results); err == nil {
		err = printErr
	}
	return err
}

// push uploads one gadget after the other. What is wrong with any of them is found
// before the first is uploaded. The results are those that succeeded.
func push(ctx context.Context, f flags, log func(string)) ([]registry.PushResult, error) {
	requests, err := loadRequests(f)
	if err != nil {
		return nil, err
	}
	client, err := registry.New(registry.Options{
		Insecure: f.Insecure, AuthFile: userPath(f.Authfile), CAFile: userPath(f.CAFile),
		CertDir: userPath(f.CertDir), Attempts: f.Retry, Log: log,
	})
	if err != nil {
		return nil, err
	}
	var uploads []*upload
	defer func() {
		for _, u := range uploads {
			u.layout.Close()
		}
	}()
	for _, r := range requests {
		u, err := open(r, client.Defaults())
		if err != nil {
			return nil, err
		}
		uploads = append(uploads, u)
	}
	if err := differentTags(uploads); err != nil {
		return nil, err
	}
	var results []registry.PushResult
	for _, u := range uploads {
		for _, request := range u.requests {
			request.DryRun = f.DryRun
			res, err := client.Push(ctx, request)
			if err != nil {
				return results, err
			}
			results = append(results, res)
			log(res.Summary())
		}
	}
	return results, nil
}

func report(w io.Writer, f flags, results []registry.PushResult) error {
	if f.JSON {
		if results == nil {
			results = []registry.PushResult{}
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(results)
	}
	for _, r := range results {
		if _, err := fmt.Fprintln(w, r.Reference); err != nil {
			return err
		}
	}
	return nil
}

// userPath makes a path that the user wrote absolute: `bazel run` starts
// elsewhere than in the user's directory.
func userPath(path string) string {
	if base := os.Getenv("BUILD_WORKING_DIRECTORY"); path != "" && !filepath.IsAbs(path) && base != "" {
		return filepath.Join(base, path)
	}
	return path
}
