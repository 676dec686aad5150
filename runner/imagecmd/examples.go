package imagecmd

// What each command prints below its one sentence. The command line shows it,
// and the page of all commands.

// Help gives examples.
func (Build) Help() string {
	return `The result is stored, or written where --output specifies. The same directory gives the same digest on every machine; a directory in which nothing has changed is not compiled again.

Examples:

    gadget-run image build ./trace_open -t registry.example/trace_open:v1
    gadget-run image build . -f mybuild.yaml -o type=oci,dest=gadget.tar
    CLANG=clang-19 LLVM_STRIP=llvm-strip-19 gadget-run image build . --local`
}

// Help gives examples.
func (List) Help() string {
	return `With --quiet only digests, as "image rm" takes them.

Examples:

    gadget-run image list
    gadget-run image ls -f reference='trace_*' -o json`
}

// Help gives examples.
func (Pull) Help() string {
	return `Only the platform of this machine is pulled, unless --platform or --all-platforms is set.

Examples:

    gadget-run image pull registry.example/trace_open:v1
    gadget-run image pull --platform linux/arm64 registry.example/trace_exec:v1`
}

// Help gives examples.
func (Push) Help() string {
	return `Examples:

    gadget-run image push registry.example/trace_open:v1
    gadget-run image push --insecure 192.0.2.7:5000/trace_open:v1`
}

// Help gives examples.
func (Tag) Help() string {
	return `Examples:

    gadget-run image tag mygadget:latest registry.example/mygadget:v1
    gadget-run image tag 3f1f126bd42d registry.example/mygadget:v1`
}

// Help gives examples.
func (Remove) Help() string {
	return `Examples:

    gadget-run image rm registry.example/trace_open:v1
    gadget-run image rm -f $(gadget-run image ls -q)`
}

// Help gives examples.
func (Save) Help() string {
	return `Examples:

    gadget-run image save -o gadget.tar registry.example/trace_open:v1
    gadget-run image save --format docker mygadget:v1 | docker load`
}

// Help gives examples.
func (Load) Help() string {
	return `Examples:

    gadget-run image load gadget.tar
    gadget-run image load -t mygadget:v1 bazel-bin/mygadget/image.oci`
}

// Help gives examples.
func (Unpack) Help() string {
	return `Examples:

    gadget-run image unpack registry.example/trace_open:v1
    gadget-run image unpack -o trace_open.files registry.example/trace_open:v1`
}

// Help gives examples.
func (Inspect) Help() string {
	return `Data sources, parameters, programs, maps, what the kernel must have, and who signed it. What is not in the store is read from the registry.

Examples:

    gadget-run image inspect registry.example/trace_open:v1
    gadget-run image inspect -o json --remote registry.example/trace_open:v1
    gadget-run image inspect -f '{{json .Programs}}' ./gadget.tar`
}

// Help gives examples.
func (Du) Help() string {
	return `Examples:

    gadget-run image du
    gadget-run image du -f reclaimable=true -o json`
}

// Help gives examples.
func (Prune) Help() string {
	return `Examples:

    gadget-run image prune
    gadget-run image prune --all --keep-last 2 --dry-run`
}

// Help gives examples.
func (Copy) Help() string {
	return `All platforms go along, and all that refers to the artifact: signatures, provenance, SBOMs. The store is not used.

Examples:

    gadget-run image copy registry.example/trace_open:v1 mirror.example/open:v1`
}

// Help gives examples.
func (Diff) Help() string {
	return `Examples:

    gadget-run image diff mygadget:v1 registry.example/mygadget:v2
    gadget-run image diff --exit-code -o json mygadget:v1 ./gadget.tar`
}

// Help gives examples.
func (Sign) Help() string {
	return `Examples:

    gadget-run image sign --key cosign.key registry.example/trace_open:v1
    gadget-run image sign --key env://KEY registry.example/trace_open:v1`
}

// Help gives examples.
func (Verify) Help() string {
	return `Examples:

    gadget-run image verify --key cosign.pub registry.example/trace_open:v1
    gadget-run image verify -o json registry.example/trace_open:v1
    gadget-run image verify --offline registry.example/trace_open:v1`
}

// Help gives examples.
func (Keygen) Help() string {
	return `The private key is encrypted, with the password of COSIGN_PASSWORD or one read from the terminal; cosign reads it too.

Examples:

    gadget-run image keygen release
    gadget-run image sign --key release.key registry.example/trace_open:v1
    gadget-run image verify --key release.pub registry.example/trace_open:v1`
}

// Help gives examples.
func (Fsck) Help() string {
	return `Every byte is verified.

Examples:

    gadget-run image fsck
    gadget-run image fsck --repair`
}

// Help gives examples.
func (Login) Help() string {
	return `The credentials are tried before they are stored. What is not given is read from the terminal.

Examples:

    gadget-run login registry.example -u alice
    pass show me | gadget-run login registry.example -u me --password-stdin
    gadget-run login registry.example --get-login`
}

// Help gives examples.
func (Logout) Help() string {
	return `Examples:

    gadget-run logout registry.example
    gadget-run logout --all`
}
