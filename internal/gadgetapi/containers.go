package gadgetapi

// k8sFields and runtimeFields have the names, widths and order that users of
// other runners know.
var k8sFields = []provided{
	{name: "node", kind: String, template: "node", description: "Name of the node"},
	{name: "namespace", kind: String, template: "namespace", description: "Namespace of the pod"},
	{name: "podName", kind: String, template: "pod", description: "Name of the pod"},
	{name: "containerName", kind: String, template: "container", description: "Name of the container in its pod"},
	{name: "hostnetwork", kind: Bool, description: "Whether the container uses the host's network"},
	{name: "podLabels", kind: String, description: "Labels of the pod"},
}

var ownerFields = []provided{
	{name: "kind", kind: String, description: "Kind of what made the pod"},
	{name: "name", kind: String, description: "Name of what made the pod"},
}

var runtimeFields = []provided{
	{name: "containerName", kind: String, template: "container", description: "Name of the container at its runtime"},
	{
		name: "runtimeName", kind: String, description: "Name of the container runtime",
		extra: ann("columns.width", "19", "columns.fixed", "true"),
	},
	{
		name: "containerId", kind: String, description: "Id of the container",
		extra: ann("columns.width", "13", "columns.maxwidth", "64"),
	},
	{
		name: "containerPid", kind: Uint, template: "containerPid",
		description: "Process id of the container's first process",
	},
	{
		name: "containerImageName", kind: String, template: "containerImageName",
		description: "Name of the container's image",
	},
	{
		name: "containerImageDigest", kind: String, template: "containerImageDigest",
		description: "Digest of the container's image",
	},
	{
		name: "containerStartedAt", kind: Int, template: "containerStartedAt",
		description: "Start of the container, nanoseconds since 1970",
	},
}

// provideContainers puts the fields that describe the container before those
// of the event. Fields of the event that are called like them override them.
func provideContainers(src *Source, b *builder) {
	if b.opts.NoContainers || src.Namespace(TypeMntnsID) == nil && src.Namespace(TypeNetnsID) == nil {
		return
	}
	k8s := b.group(nil, "k8s", k8sFields)
	k8s.Children = append(k8s.Children, b.group(k8s, "owner", ownerFields))
	runtime := b.group(nil, "runtime", runtimeFields)
	var added []*Field
	for _, g := range []*Field{k8s, runtime} {
		if src.Lookup(g.FullName) == nil {
			added = append(added, g)
		}
	}
	src.Fields = append(added, src.Fields...)
}

// group returns a new hidden struct of fields.
func (b *builder) group(parent *Field, name string, fields []provided) *Field {
	g := b.newField(ProviderContainers, parent, provided{name: name, kind: Struct})
	for _, p := range fields {
		p.shown = p.shown || b.opts.ShowContainer && name == "runtime" && p.name == "containerName"
		g.Children = append(g.Children, b.newField(ProviderContainers, g, p))
	}
	return g
}
