package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// maxText is the size of a text file of the tree that is read, in bytes.
const maxText = 1 << 20

var (
	versionLine  = regexp.MustCompile(`(?m)^\s*version = "([^"]*)",$`)
	versionShape = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)
)

// tree is a clean checkout of a version's tag.
type tree struct {
	dir     string    // absolute
	version string    // of MODULE.bazel, without "v"
	commit  string    // hexadecimal
	time    time.Time // of the commit
	notes   string    // the version's section of CHANGELOG.md
}

// tag is the git tag of the version.
func (t tree) tag() string { return "v" + t.version }

// readTree checks that a release may be made from the checkout at dir.
func readTree(ctx context.Context, dir string) (tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return tree{}, err
	}
	t := tree{dir: abs}
	if err := t.readCommit(ctx); err != nil {
		return t, err
	}
	if t.version, err = moduleVersion(t.path("MODULE.bazel")); err != nil {
		return t, err
	}
	if err := t.checkTag(ctx); err != nil {
		return t, err
	}
	text, err := action.ReadFile(t.path("CHANGELOG.md"), maxText)
	if err != nil {
		return t, err
	}
	t.notes, err = changes(string(text), t.version)
	return t, err
}

// path is that of a file of the tree.
func (t tree) path(name string) string { return filepath.Join(t.dir, name) }

// git returns the output of a git command in the tree.
func (t tree) git(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = t.dir
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		err = errors.New(strings.TrimSpace(string(failed.Stderr)))
	}
	if err != nil {
		return nil, fmt.Errorf("running git %s in %q: %w", args[0], t.dir, err)
	}
	return out, nil
}

// readCommit reads which commit is checked out, and refuses a tree that is not that commit.
func (t *tree) readCommit(ctx context.Context) error {
	out, err := t.git(ctx, "log", "-1", "--format=%H %ct")
	if err != nil {
		return err
	}
	id, seconds, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("reading the time of commit %s: %w", id, err)
	}
	t.commit, t.time = id, time.Unix(unix, 0).UTC()
	changed, err := t.git(ctx, "status", "--porcelain")
	if err != nil {
		return err
	}
	if first, _, _ := strings.Cut(string(changed), "\n"); first != "" {
		return fmt.Errorf("%q differs from commit %.12s (%s), commit or remove what differs", t.dir, id,
			strings.TrimSpace(first))
	}
	if _, err := os.Lstat(t.path("user.bazelrc")); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%q changes the build and is not committed, move it away", t.path("user.bazelrc"))
	}
	return nil
}

// checkTag refuses a commit that does not have the tag of its version.
func (t tree) checkTag(ctx context.Context) error {
	out, err := t.git(ctx, "tag", "--points-at", "HEAD", "--list", "v[0-9]*")
	if err != nil {
		return err
	}
	tags := strings.Fields(string(out))
	switch {
	case len(tags) == 0:
		return fmt.Errorf("commit %.12s has no tag, check out the commit with tag %s or run: git tag %[2]s", t.commit,
			t.tag())
	case len(tags) > 1 || tags[0] != t.tag():
		return fmt.Errorf("commit %.12s has the tag %s and MODULE.bazel has version %q, make them the same",
			t.commit, strings.Join(tags, " and "), t.version)
	}
	return nil
}

// moduleVersion reads the version of MODULE.bazel.
func moduleVersion(path string) (string, error) {
	text, err := action.ReadFile(path, maxText)
	if err != nil {
		return "", err
	}
	found := versionLine.FindSubmatch(text)
	if len(found) < 2 || !versionShape.Match(found[1]) {
		return "", fmt.Errorf("%q has no line version = \"MAJOR.MINOR.PATCH\", add one to module()", path)
	}
	return string(found[1]), nil
}

// changes returns the section of a changelog about a version, whose heading is
// "## VERSION", perhaps with a date after it.
func changes(changelog, version string) (string, error) {
	for i, section := range strings.Split("\n"+changelog, "\n## ") {
		heading, body, _ := strings.Cut(section, "\n")
		if word, _, _ := strings.Cut(heading, " "); i == 0 || word != version {
			continue
		}
		if body = strings.TrimSpace(body); body == "" {
			return "", fmt.Errorf("CHANGELOG.md says nothing below %q, write what the version changes", "## "+heading)
		}
		return body + "\n", nil
	}
	return "", fmt.Errorf("CHANGELOG.md has no heading \"## %s\", rename \"## Unreleased (%[1]s)\"", version)
}
