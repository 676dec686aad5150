package imagecmd

// Image is the command "image": one subcommand per thing to do with
// artifacts.
type Image struct {
	Build Build `cmd:"" group:"transfer" help:"Build a gadget's directory, without Bazel."`
	Pull  Pull  `cmd:"" group:"transfer" help:"Pull artifacts from a registry into the store."`
	Push  Push  `cmd:"" group:"transfer" help:"Push an artifact of the store to its registry."`
	Copy  Copy  `cmd:"" aliases:"cp" group:"transfer" help:"Copy an artifact from one registry to another."`
	Save  Save  `cmd:"" group:"transfer" aliases:"export" help:"Write artifacts of the store to an archive or a directory."`
	Load  Load  `cmd:"" group:"transfer" aliases:"import" help:"Take artifacts from an archive or a directory into the store."`

	List    List    `cmd:"" group:"store" aliases:"ls" help:"List the artifacts in the store."`
	Inspect Inspect `cmd:"" group:"store" help:"Show what is in an artifact, before it runs."`
	Diff    Diff    `cmd:"" group:"store" help:"Show what is different between two artifacts."`
	Tag     Tag     `cmd:"" group:"store" help:"Give an artifact of the store another name."`
	Rm      Remove  `cmd:"" group:"store" aliases:"remove" help:"Remove names, and content that has no name left."`
	Unpack  Unpack  `cmd:"" group:"store" help:"Write the files of an artifact into a directory."`

	Sign   Sign   `cmd:"" group:"trust" help:"Sign an artifact in a registry."`
	Verify Verify `cmd:"" group:"trust" help:"Verify who signed an artifact."`
	Keygen Keygen `cmd:"" group:"trust" help:"Make a pair of keys to sign and verify with."`

	Du    Du    `cmd:"" group:"space" help:"Show what the store takes."`
	Prune Prune `cmd:"" group:"space" help:"Remove content that nothing needs."`
	Fsck  Fsck  `cmd:"" group:"space" help:"Check the store, and repair it."`
}
