package main

import (
	"fmt"
	"path/filepath"
)

// side is one client: the command lines, run one after the other, that pull or
// push some artifacts. dir is a new directory.
type side struct {
	name string
	pull func(dir string, all []artifact) [][]string
	push func(dir string, all []artifact) [][]string
	// prepare makes ready what push needs, outside the measurement.
	prepare func(dir string, all []artifact) [][]string
}

func (b *bench) ref(a artifact) string { return b.server.addr + "/" + a.name + ":v1" }

// each returns one command line for each artifact.
func each(all []artifact, command func(a artifact) []string) [][]string {
	var lines [][]string
	for _, a := range all {
		lines = append(lines, command(a))
	}
	return lines
}

// sides are the clients, ours first. Where a client takes several artifacts at
// once, it gets them at once.
func (b *bench) sides() []side {
	return []side{b.ours(), b.crane(), b.skopeo(), b.regctl()}
}

func (b *bench) ours() side {
	image := func(dir string, args ...string) []string {
		return append([]string{b.gadgetRun, "--state", filepath.Join(dir, "state"), "-q", "image"}, args...)
	}
	with := func(line []string, all []artifact) [][]string {
		for _, a := range all {
			line = append(line, b.ref(a))
		}
		return [][]string{line}
	}
	return side{
		name: "gadget-run",
		pull: func(dir string, all []artifact) [][]string { return with(image(dir, "pull", "--all-platforms"), all) },
		prepare: func(dir string, all []artifact) [][]string {
			return each(all, func(a artifact) []string { return image(dir, "load", "--tag", b.ref(a), a.layout) })
		},
		push: func(dir string, all []artifact) [][]string { return with(image(dir, "push"), all) },
	}
}

func (b *bench) crane() side {
	program := b.others["crane"]
	return side{
		name: "crane",
		pull: func(dir string, all []artifact) [][]string {
			line := []string{program, "pull", "--format=oci"}
			for _, a := range all {
				line = append(line, b.ref(a))
			}
			return [][]string{append(line, filepath.Join(dir, "layout"))}
		},
		push: func(_ string, all []artifact) [][]string {
			return each(all, func(a artifact) []string { return []string{program, "push", a.layout, b.ref(a)} })
		},
	}
}

func (b *bench) skopeo() side {
	copyAll := []string{b.others["skopeo"], "--insecure-policy", "copy", "-q", "--all", "--preserve-digests"}
	return side{
		name: "skopeo",
		pull: func(dir string, all []artifact) [][]string {
			return each(all, func(a artifact) []string {
				return append(copyAll[:len(copyAll):len(copyAll)],
					"--src-tls-verify=false", "docker://"+b.ref(a), fmt.Sprintf("oci:%s/layout:%s", dir, a.name))
			})
		},
		push: func(_ string, all []artifact) [][]string {
			return each(all, func(a artifact) []string {
				return append(copyAll[:len(copyAll):len(copyAll)], "--dest-tls-verify=false", "oci:"+a.layout, "docker://"+b.ref(a))
			})
		},
	}
}

func (b *bench) regctl() side {
	imageCopy := []string{b.others["regctl"], "--host", "reg=" + b.server.addr + ",tls=disabled", "image", "copy"}
	return side{
		name: "regctl",
		pull: func(dir string, all []artifact) [][]string {
			return each(all, func(a artifact) []string {
				return append(imageCopy[:len(imageCopy):len(imageCopy)], b.ref(a), fmt.Sprintf("ocidir://%s/layout:%s", dir,
					filepath.Base(a.name)))
			})
		},
		push: func(_ string, all []artifact) [][]string {
			return each(all, func(a artifact) []string {
				return append(imageCopy[:len(imageCopy):len(imageCopy)], "ocidir://"+a.layout+"@"+a.root.Digest.String(), b.ref(a))
			})
		},
	}
}
