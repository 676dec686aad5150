package gadgetapi

// Metadata is the part of gadget.yaml that gives an object its meaning. The zero
// Metadata is that of a gadget without gadget.yaml.
type Metadata struct {
	Name        string
	Description string
	Annotations map[string]string
	DataSources map[string]DataSource    // by name
	Params      map[string]ParamMetadata // by C variable
	Programs    map[string]ProgramOptions
	// ParamDefaults are values of parameters, by qualified or plain name.
	ParamDefaults map[string]string
	// Operators are the settings of operators, as YAML, by name.
	Operators map[string][]byte
}

// DataSource is what gadget.yaml specifies for a data source.
type DataSource struct {
	Annotations map[string]string
	Fields      map[string]map[string]string // annotations by full field name
}

// ParamMetadata is what gadget.yaml specifies for a parameter.
type ParamMetadata struct {
	Key, Default, Title, Description, Alias string
	// AlternativeKey is another name of the flag.
	AlternativeKey string
	Mandatory      bool
	PossibleValues []string
}

// ProgramOptions are what gadget.yaml specifies for a program: by the name of its
// function, or by what follows the slash in its section.
type ProgramOptions struct {
	// AttachTo replaces the target of the section.
	AttachTo string
	// PerfType and PerfConfig name the event of a perf_event program.
	PerfType, PerfConfig string
	// Frequency is how often a second a perf_event program runs on each CPU, as
	// written; Period after how many events.
	Frequency, Period string
}
